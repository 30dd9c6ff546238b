// @vitest-environment jsdom
import { makeApp, show, TABLE } from "@/testing/app";
import { fireEvent, screen, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { found, moved } from "./strip";
import Strip from "./Strip.svelte";

describe("moved", () => {
  it("keeps to the ends", () => {
    expect(moved([1, 2, 3], 3, -1)).toEqual([1, 3, 2]);
    expect(moved([1, 2, 3], 1, 9)).toEqual([2, 3, 1]);
    expect(moved([1, 2, 3], 7, 1)).toEqual([1, 2, 3]);
  });
});

describe("found", () => {
  it("are models that the text finds and that are not there", () => {
    const [first] = TABLE.ids;
    expect(found(TABLE, first!, new Set())[0]).toBe(0);
    expect(found(TABLE, first!, new Set([0]))).not.toContain(0);
    expect(found(TABLE, "nothing like this", new Set())).toEqual([]);
  });
});

describe("the strip", () => {
  it("lists what is compared, base first, takes out and adds", async () => {
    const app = makeApp({ address: `/overview?sel=${TABLE.ids[1]!}&sel=${TABLE.ids[2]!}` });
    app.view.compareWith(TABLE.ids[0]!);
    show(Strip, {}, app);
    const strip = screen.getByRole("region", { name: "Compared models" });
    const items = within(strip).getAllByRole("listitem");
    expect(items.map((item) => item.querySelector("button")!.title.split("\n")[0])).toEqual(TABLE.ids.slice(0, 3));
    expect(items[0]!.textContent).toContain("base");
    await fireEvent.click(within(items[1]!).getByRole("button", { name: /^Take/ }));
    expect(app.view.selection).toEqual([2]);
    const input = within(strip).getByRole("textbox");
    await fireEvent.input(input, { target: { value: TABLE.ids[3]! } });
    await fireEvent.keyDown(input, { key: "Enter" });
    expect(app.view.selection).toEqual([2, 3]);
    const chip = within(strip).getAllByRole("listitem")[2]!.querySelector("button")!;
    await fireEvent.click(chip);
    await fireEvent.click(screen.getByRole("menuitem", { name: "Make it the base" }));
    expect(app.view.state.own.base).toEqual([TABLE.ids[3]!]);
  });
  it("is not there where nothing is compared", () => {
    show(Strip, {}, makeApp({ address: "/overview" }));
    expect(screen.queryByRole("region")).toBeNull();
  });
});
