// @vitest-environment jsdom
/** The table of all models, and the plain functions that it is made of. */
import { makeApp, show, TABLE } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { testTable } from "@/state/testing";
import { columnsOf, rowsOf, shownColumns, widthsOf } from "./columns";
import Models from "./Models.svelte";
import { readParams, writeParams } from "./params";

const ALL = new Uint8Array(TABLE.count).fill(1);
const ids = (rows: ReturnType<typeof rowsOf>): string[] =>
  rows.map((row) => ("model" in row ? TABLE.ids[row.model]! : `[${row.group} ${row.count}]`));

describe("columns", () => {
  it("are what models were made by and what was measured; the primary ones are the usual ones", () => {
    const all = columnsOf(TABLE);
    expect(all.map(({ key }) => key)).toEqual([
      ...["base", "operation", "step", "tags", "p:epochs", "p:amount", "p:bits"],
      ...["m:Accuracy", "m:Size"],
    ]);
    expect(shownColumns(all, null, []).map(({ key }) => key)).toEqual([
      ...["base", "operation", "tags", "m:Accuracy", "m:Size"],
    ]);
    const [ids, base, operation] = widthsOf(TABLE, all);
    // no word is cut, as long as it is not very long
    expect(ids).toBeGreaterThanOrEqual(96);
    expect(operation!).toBeGreaterThan(7 * "finetune (epochs=1)".length);
    expect(base).toBeLessThan(operation!);
    expect(shownColumns(all, ["step"], ["m:Size"]).map(({ key }) => key)).toEqual(["m:Size", "step"]);
  });
});

describe("rows", () => {
  it("are sorted with what is missing last, and grouped by operation", () => {
    const all = columnsOf(TABLE);
    const sort = { column: "m:Accuracy", descending: true };
    expect(ids(rowsOf(TABLE, all, ALL, { sort, grouped: false }))).toEqual(["cnn", "p50-ft", "p50", "p90", "new"]);
    expect(ids(rowsOf(TABLE, all, ALL, { sort, grouped: true }))).toEqual([
      ...["[train 1]", "cnn", "[finetune 1]", "p50-ft", "[prune 2]", "p50", "p90", "[quantize 1]", "new"],
    ]);
    const some = Uint8Array.from([0, 1, 0, 1, 0]);
    expect(ids(rowsOf(TABLE, all, some, { sort: null, grouped: false }))).toEqual(["p50", "p90"]);
  });

  it("are in the address with the columns", () => {
    const params = { columns: ["step"], pinned: ["m:Size"], sort: { column: "id", descending: false }, grouped: true };
    expect(readParams(writeParams(params, { other: ["x"] }))).toEqual(params);
    const none = { columns: [], pinned: [], sort: null, grouped: false };
    expect(readParams(writeParams(none, {}))).toEqual(none);
    expect(writeParams({ ...none, columns: null }, {})).toEqual({});
  });
});

describe("the page", () => {
  // by selector: roles of whole tables are slow to find
  const named = (role: string): string[] =>
    [...document.querySelectorAll(`[role="${role}"]`)].map(({ textContent }) => textContent.trim());
  const names = (): string[] => named("rowheader");

  it("sorts by a click on a head, searches, and selects", async () => {
    const app = makeApp({ address: "/models" });
    show(Models, {}, app);
    await fireEvent.click(screen.getByRole("button", { name: "Size" }));
    expect(names()).toEqual(["cnn", "p50", "p50-ft", "new", "p90"]);
    await fireEvent.click(screen.getByRole("button", { name: "Size ↓" }));
    expect(names()).toEqual(["p90", "new", "p50", "p50-ft", "cnn"]);
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "half" } });
    await waitFor(() => expect(names()).toEqual(["p50"]));
    await fireEvent.click(document.querySelector('[role="rowheader"]')!);
    expect(app.view.state.selection).toEqual(["p50"]);
    expect(screen.getByRole("status").textContent).toContain("1 of 5");
  });

  it("chooses and pins columns", async () => {
    const app = makeApp({ address: "/models" });
    show(Models, {}, app);
    const choice = screen.getByRole("group", { name: "Columns", hidden: true });
    await fireEvent.click(within(choice).getByRole("checkbox", { name: "Parent", hidden: true }));
    await fireEvent.click(within(choice).getByRole("button", { name: "Pin Size", hidden: true }));
    expect(named("columnheader")).toEqual(["Model", "Size", "Operation", "Tags", "Accuracy"]);
  });

  it("draws only the rows in view of very many", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      id: `m${i}`,
      ...(i > 0 ? { base: "m0" } : {}),
      operation: "prune",
      parameters: { amount: i / 10_000 },
      values: [i / 10_000, i],
    }));
    show(Models, {}, makeApp({ table: testTable(many, TABLE.metrics), address: "/models" }));
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("10001");
    expect(named("row").length).toBeLessThan(100);
  });
});
