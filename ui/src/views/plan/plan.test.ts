// @vitest-environment jsdom
/** The page of plans with a small answer of the server, and the plain functions that it is made of. */
import { ACCURACY, BYTES, makeApp, Problem, server, show, TABLE } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { heatTable, lossOf, planWithin, shadeOf } from "./heat";
import { readParams, writeParams } from "./params";
import Plan from "./Plan.svelte";
import { budgetText, sentence } from "./words";

const row = (layer: string, bits: number, change: number) => ({
  layer,
  operation: "quantize",
  parameters: { bits },
  value: 0.98 + change,
  change,
  ci_low: change - 0.01,
  ci_high: change + 0.01,
  weights: 100,
  layer_bytes: 12.5 * bits,
  layer_bytes_before: 400,
});
const ROWS = [row("a.weight", 2, -0.2), row("a.weight", 8, 0.001), row("b.weight", 8, -0.05)];
const point = (used: number, change: number, chosen: number[]) => ({
  used,
  size: used,
  value: 0.98 + change,
  ci_low: 0.98 + change - 0.01,
  ci_high: 0.98 + change + 0.01,
  chosen,
});
const POINTS = [point(1000, -0.25, [0, 2]), point(2000, -0.05, [1, 2]), point(4000, 0, [])];
const ANSWER = {
  model: "cnn",
  metric: "Accuracy",
  reason: "",
  value: 0.98,
  count: 200,
  rows: ROWS,
  curves: [{ kind: "bytes", points: POINTS }],
};

describe("the heat map", () => {
  it("orders levels from mild to strong and finds each cell", () => {
    const heat = heatTable(ROWS, ACCURACY);
    expect(heat.levels.map(({ label }) => label)).toEqual(["bits 8", "bits 2"]);
    expect(heat.cells).toEqual([
      [1, 0],
      [2, -1],
    ]);
    expect(heat.most).toBeCloseTo(0.2);
  });

  it("takes an improvement for no loss, by the direction of the metric", () => {
    expect(lossOf(ACCURACY, 0.1)).toBe(0);
    expect(lossOf(BYTES, 0.1)).toBe(0.1);
    expect(lossOf(ACCURACY, null)).toBeNull();
    expect([shadeOf(0, 0.2), shadeOf(0.2, 0.2), shadeOf(0.1, 0)]).toEqual([0, 1, 0]);
  });
});

describe("plans", () => {
  it("are the largest within the budget", () => {
    expect(planWithin(POINTS, 2500)!.used).toBe(2000);
    expect(planWithin(POINTS, 10)!.used).toBe(1000);
    expect(planWithin(POINTS, null)!.used).toBe(4000);
    expect(planWithin([], 10)).toBeNull();
  });

  it("are told with no more than the interval supports", () => {
    expect(sentence(ACCURACY, 0.98, POINTS[2]!, "cnn")).toBe("Nothing is compressed: cnn is 4\u00a0kB");
    expect(sentence(ACCURACY, 0.98, POINTS[0]!, "cnn")).toContain("below 98.0% of cnn");
    expect(sentence(ACCURACY, 0.98, point(900, -0.004, [1]), "cnn")).toContain("tied with 98.0% of cnn");
    expect(budgetText("bits_per_weight", 4.5)).toBe("4.5 bits");
  });

  it("are in the address", () => {
    const params = { model: "cnn", kind: "bits_per_weight", budget: 4.5 } as const;
    expect(readParams(writeParams(params, { other: ["x"] }))).toEqual(params);
    expect(writeParams({ model: null, kind: "bytes", budget: null }, {})).toEqual({});
  });
});

describe("the page", () => {
  const answers = {
    "GET sensitivity": ANSWER,
    "POST plans/export": { text: "base: cnn\n", file: "recipe.yaml" },
    "POST jobs/plan": { models: [{ id: "cnn", base: null, operation: null, parameters: {}, done: true }] },
  };

  it("outlines the levels of the plan, which move with the budget", async () => {
    const app = makeApp({ address: "/plan?budget=2100", answers });
    show(Plan, {}, app);
    const table = await screen.findByRole("table");
    const chosen = (): string[] => [...table.querySelectorAll(".chosen")].map((cell) => cell.textContent!.trim());
    expect(chosen()).toEqual(["+0.1\u00a0pp, chosen", "\u22125.0\u00a0pp, chosen"]);
    await fireEvent.input(screen.getByRole("slider", { name: "Budget" }), { target: { value: "1000" } });
    await waitFor(() => expect(chosen()).toEqual(["\u221220.0\u00a0pp, chosen", "\u22125.0\u00a0pp, chosen"]));
    expect(screen.getByRole("heading", { level: 2 }).textContent).toContain("1\u00a0kB, predicted Accuracy 73.0%");
  });

  it("says why a model cannot be measured, and offers nothing then", async () => {
    const reason = "Model 'cnn' has no checkpoint.";
    const answer = { ...ANSWER, metric: "", reason, value: null, rows: [], curves: [] };
    show(Plan, {}, makeApp({ address: "/plan", answers: { "GET sensitivity": answer } }));
    expect(await screen.findByText(reason)).toBeTruthy();
    expect(screen.queryByRole("region", { name: "Measure the layers" })).toBeNull();
  });

  it("offers to measure what is not known, with the levels that are typed", async () => {
    const app = makeApp({
      address: "/plan",
      answers: { "GET sensitivity": { ...ANSWER, value: null, rows: [], curves: [] }, "POST jobs": { id: "j" } },
    });
    show(Plan, {}, app);
    const form = await screen.findByRole("region", { name: "Measure the layers" });
    const levels = within(form).getByRole("textbox", { name: /Levels/ });
    await fireEvent.input(levels, { target: { value: "quantize bits=4; magnitude prune amount=0.5" } });
    await fireEvent.click(within(form).getByRole("button", { name: "Measure the layers" }));
    await waitFor(() => expect(server.of("POST jobs")).toHaveLength(1));
    expect(server.of("POST jobs")[0]!.body).toEqual({
      kind: "sensitivity",
      model: TABLE.ids[0],
      levels: ["quantize bits=4", "magnitude prune amount=0.5"],
    });
  });

  it("says why a plan cannot be exported", async () => {
    const refused = new Problem("export.unsupported", "Core ML quantizes to 4 or 8 bits, not to 2.");
    const app = makeApp({ address: "/plan?budget=1000", answers: { ...answers, "POST plans/export": refused } });
    show(Plan, {}, app);
    await fireEvent.click(await screen.findByRole("button", { name: "Export the plan" }));
    await fireEvent.click(screen.getByRole("menuitem", { name: /coremltools/ }));
    expect((await screen.findByRole("alert")).textContent).toContain("not to 2");
  });
});
