import { describe, expect, it } from "vitest";
import type { Effect } from "@/api/models";
import { layoutBars, type Selection } from "@/charts/bars";
import { buildTable, type Metric } from "@/state/table";
import { columnsFor, heightFor } from "./columns";
import { dependence, evidence, pairsOf, predicate, rankEffects, sharedDomain, subject } from "./effects";
import { metricFacets, operationFacets, tagFacet, toggled } from "./facets";
import { finding, type Facts } from "./findings";
import { sortedOrder } from "@/state/order";
import { metricRows } from "./readings";
import { assign, optionsOf, withValue } from "./refine";
import { constantWords, differSentence } from "./sentence";

const plain = (text: string | null): string | null => text?.replaceAll("\u00a0", " ") ?? null;
const accuracy: Metric = {
  name: "Accuracy",
  unit: "",
  format: ".1%",
  higher_is_better: true,
  primary: true,
  min: 0,
  max: 1,
  description: "",
};
const amountVariable = { name: "amount", kind: "parameter", values: [0.5, 0.75, 0.9] };
const train = { name: "train 2", kind: "presence", values: [false, true] };
const six: Selection = {
  variables: [amountVariable, train],
  rows: { a: [0.5, false], b: [0.5, true], c: [0.75, false], d: [0.75, true], e: [0.9, false], f: [0.9, true] },
};
const ids = ["a", "b", "c", "d", "e", "f"];

describe("sentences", () => {
  it("say what differs and what is shared", () => {
    const answer = { ...six, chart: { x: "amount", color: "train 2", facet: null }, constant: [] } as never;
    expect(plain(differSentence(answer, 6))).toBe("6 models differ in amount and whether train 2 was applied.");
    expect(
      constantWords([
        { name: "root", value: "cnn" },
        { name: "train · epochs", value: 90 },
        { name: "calibrate", value: true },
      ]),
    ).toEqual(["cnn", "train · epochs 90", "calibrate"]);
  });
});

describe("finding", () => {
  const values: Record<string, number> = { a: 0.728, b: 0.766, c: 0.135, d: 0.749, e: 0.001, f: 0.673 };
  const value = (id: string): number | null => values[id] ?? null;
  it("says where a step matters most", () => {
    const layout = layoutBars(six, { x: "amount", color: "train 2", facet: null }, ids);
    expect(plain(finding(accuracy, layout, { x: amountVariable, color: train }, { value }))).toBe(
      "train 2 matters most at 0.9: +67.2 pp",
    );
    expect(finding(accuracy, layout, { x: amountVariable, color: train }, { value: () => 0.5 })).toBe(
      "train 2: a tie throughout",
    );
  });
  it("follows a line that only falls", () => {
    const layout = layoutBars(six, { x: "amount", color: null, facet: null }, ["a", "c", "e"]);
    expect(plain(finding(accuracy, layout, { x: amountVariable, color: undefined }, { value }))).toBe(
      "−72.7 pp from 0.5 to 0.9",
    );
  });
  it("compares two", () => {
    const layout = layoutBars(six, { x: "train 2", color: null, facet: null }, ["c", "d"]);
    expect(plain(finding(accuracy, layout, { x: train, color: undefined }, { value }))).toBe("+61.4 pp with train 2");
  });
  it("names a winner only if it wins everywhere", () => {
    const how = { name: "operation", kind: "operation", values: [null, "calibrate", "train"] };
    const selection: Selection = {
      variables: [amountVariable, how],
      rows: {
        a: [0.5, null],
        b: [0.5, "calibrate"],
        c: [0.5, "train"],
        d: [0.9, null],
        e: [0.9, "calibrate"],
        f: [0.9, "train"],
      },
    };
    const layout = layoutBars(selection, { x: "amount", color: "operation", facet: null }, ids);
    const variables = { x: amountVariable, color: how };
    const wins: Record<string, number> = { a: 0.5, b: 0.6, c: 0.7, d: 0.1, e: 0.2, f: 0.6 };
    expect(finding(accuracy, layout, variables, { value: (id) => wins[id]! })).toBe("train is best throughout");
    expect(finding(accuracy, layout, variables, { value: (id) => ({ ...wins, e: 0.65 })[id]! })).toBeNull();
    // at 0.5 the lead of 0.1 is within 1.96 · √(0.04² + 0.04²) = 0.111, at 0.9 the lead of 0.4 is not
    expect(finding(accuracy, layout, variables, { value: (id) => wins[id]!, error: () => 0.04 })).toBe(
      "train is best at 0.9",
    );
    expect(finding(accuracy, layout, variables, { value: (id) => wins[id]!, error: () => 0.3 })).toBe(
      "operation: a tie throughout",
    );
    expect(
      finding({ ...accuracy, higher_is_better: null }, layout, variables, { value: (id) => wins[id]! }),
    ).toBeNull();
  });
  it("calls a model uncompressed only where it is a root", () => {
    const bits = { name: "bits", kind: "parameter", values: [null, 8, 4] };
    const selection: Selection = { variables: [bits], rows: { a: [null], b: [8], c: [4] } };
    const layout = layoutBars(selection, { x: "bits", color: null, facet: null }, ["a", "b", "c"]);
    const told = (facts: Facts): string | null => finding(accuracy, layout, { x: bits, color: undefined }, facts);
    const known = (id: string): number => ({ a: 0.9, b: 0.8, c: 0.7 })[id]!;
    expect(told({ value: known, isRoot: (id) => id === "a" })).toBe("the uncompressed model is best");
    expect(told({ value: known })).toBe("best without bits");
    // 1.96 · √(0.04² + 0.04²) = 0.111 is more than the lead of 0.1, and 1.96 · √(0.03² + 0.03²) = 0.083 is less
    expect(told({ value: known, error: () => 0.04 })).toBe("none and 8 tie for best");
    expect(told({ value: known, error: () => 0.03 })).toBe("best without bits");
  });
  it("compares two only beyond their interval", () => {
    const layout = layoutBars(six, { x: "train 2", color: null, facet: null }, ["c", "d"]);
    const told = (error: number): string | null =>
      finding(accuracy, layout, { x: train, color: undefined }, { value, error: () => error });
    // 1.96 · √2 · 0.2 = 0.55 is less than the 61.4 points between the two, and with 0.3 it is more
    expect([told(0.2), told(0.3)].map(plain)).toEqual(["+61.4 pp with train 2", "a tie: +61.4 pp with train 2"]);
  });
  it("calls 97.9 (96.8–98.9) against 98.0 (97.0–99.0) a tie, never the best", () => {
    const operation = { name: "operation", kind: "operation", values: [null, "quantize"] };
    const two: Selection = { variables: [operation], rows: { a: [null], b: ["quantize"] } };
    const layout = layoutBars(two, { x: "operation", color: null, facet: null }, ["a", "b"]);
    const known: Record<string, number> = { a: 0.979, b: 0.98, c: 0.5 };
    const facts: Facts = {
      value: (id) => known[id]!,
      error: (id) => ({ a: 0.0053, b: 0.0051 })[id] ?? 0.02,
      isRoot: (id) => id === "a",
    };
    expect(plain(finding(accuracy, layout, { x: operation, color: undefined }, facts))).toBe(
      "a tie: +0.1 pp quantize against the uncompressed model",
    );
    const three = { ...operation, values: [null, "prune", "quantize"] };
    const selection: Selection = { variables: [three], rows: { a: [null], c: ["prune"], b: ["quantize"] } };
    const wide = layoutBars(selection, { x: "operation", color: null, facet: null }, ["a", "c", "b"]);
    expect(finding(accuracy, wide, { x: three, color: undefined }, facts)).toBe("none and quantize tie for best");
    const all = { ...facts, value: (id: string) => (id === "c" ? 0.97 : known[id]!) };
    expect(finding(accuracy, wide, { x: three, color: undefined }, all)).toBe("all 3 tie");
  });
  it("is silent where a value is missing", () => {
    const layout = layoutBars(six, { x: "amount", color: null, facet: null }, ["a", "c", "e"]);
    expect(
      finding(accuracy, layout, { x: amountVariable, color: undefined }, { value: (id) => (id === "c" ? null : 0.5) }),
    ).toBeNull();
  });
});

describe("refining", () => {
  it("keeps or leaves out a value", () => {
    expect(withValue(six, ids, { variable: "train 2", value: true, keep: true })).toEqual(["b", "d", "f"]);
    expect(withValue(six, ids, { variable: "amount", value: 0.9, keep: false })).toEqual(["a", "b", "c", "d"]);
  });
  it("counts", () =>
    expect(optionsOf(six, ids).map((list) => list.map((option) => option.count))).toEqual([
      [2, 2, 2],
      [3, 3],
    ]));
  it("swaps channels rather than showing a variable twice", () => {
    expect(assign({ x: "a", color: "b", facet: null }, "x", "b")).toEqual({ x: "b", color: "a", facet: null });
    expect(assign({ x: "a", color: "b", facet: null }, "color", null)).toEqual({ x: "a", color: null, facet: null });
  });
});

describe("tables", () => {
  it("sort with what is missing last, in both directions", () => {
    expect(sortedOrder([3, null, 1, Number.NaN, 2], false)).toEqual([2, 4, 0, 1, 3]);
    expect(sortedOrder([3, null, 1, Number.NaN, 2], true)).toEqual([0, 4, 2, 1, 3]);
    expect(sortedOrder(["b10", "b9", "a"], false)).toEqual([2, 1, 0]);
  });
  it("give charts room for their bars", () => {
    const layout = layoutBars(six, { x: "amount", color: "train 2", facet: null }, ids);
    expect(columnsFor(layout, 540, 16, 6)).toBe(2);
    expect(columnsFor(layout, 100, 16, 6)).toBe(1);
    expect(columnsFor(layout, 2000, 16, 3)).toBe(3);
  });

  it("give charts the height that there is room for, and can always be read", () => {
    expect(heightFor(2, 200, 16)).toBe(132);
    expect(heightFor(2, 516, 16)).toBe(194);
    expect(heightFor(1, 2000, 16)).toBe(300);
    expect(heightFor(0, 0, 16)).toBe(132);
  });
});

const table = buildTable({
  revision: 1,
  ids: ["cnn", "p50", "p50-ft", "p90"],
  bases: [null, "cnn", "p50", "cnn"],
  operation: ["train", "prune", "finetune", "prune"],
  parameters: [{}, { amount: 0.5 }, { epochs: 3 }, { amount: 0.9 }],
  tags: [["keep"], [], ["keep", "ship"], []],
  references: [[], [], [], []],
  metrics: [accuracy],
  values: [[0.9, 0.8, 0.88, Number.NaN]],
});

describe("facets", () => {
  it("count values, parameters that vary, and tags", () => {
    const [facet] = metricFacets(table);
    expect(facet?.missing).toBe(1);
    expect(facet?.bins.counts.reduce((a, b) => a + b)).toBe(3);
    expect(
      operationFacets(table).map(({ text, count, parameters }) => [text, count, parameters.map((p) => p.key)]),
    ).toEqual([
      ["train", 1, []],
      ["prune", 2, ["prune.amount"]],
      ["finetune", 1, []],
    ]);
    expect(tagFacet(table)).toEqual([
      { text: "keep", count: 2 },
      { text: "ship", count: 1 },
    ]);
    expect(toggled(toggled(["a"], "b"), "a")).toEqual(["b"]);
  });
});

describe("readings", () => {
  it("compare with base and root, and show an interval where there is a standard error", () => {
    const spread = { count: 1017, standard_error: 0.01, dataset: null, protocol: null };
    const reading = { name: "Accuracy", value: 0.88, slice: null, device: null, ...spread };
    const [row] = metricRows(table, 2, [reading, { ...reading, slice: "cat", value: 0.7 }]);
    expect([row?.text, plain(row!.base.change), plain(row!.root.change), row?.slices.length]).toEqual([
      "88.0% (86.0–90.0)",
      "+8.0 pp",
      "−2.0 pp",
      1,
    ]);
    expect([row?.base.goodness, row?.root.goodness]).toEqual(["good", "bad"]);
    expect(metricRows(table, 0, [])[0]?.root.change).toBe("");
  });
});

describe("effects", () => {
  const effect: Effect = {
    operation: "finetune",
    parameter: null,
    condition: null,
    metric: "Accuracy",
    pairs: 1,
    mean: 0.08,
    median: 0.08,
    skewed: false,
    ci_low: null,
    ci_high: null,
    interval: null,
    confidence: null,
    non_finite: 0,
    missing: 0,
    models: [["p50", "p50-ft"]],
  };
  const prune: Effect = {
    ...effect,
    operation: "prune",
    parameter: "amount",
    condition: "0.5 → 0.9",
    pairs: 6,
    mean: -0.3,
    ci_low: -0.5,
    ci_high: -0.1,
    interval: "sign-flip test, 96.9%",
    confidence: 0.96875,
    models: [
      ["p50", "p90"],
      ["gone", "p90"],
    ],
  };
  it("keep the order of the server, with what they depend on", () => {
    const after = { ...effect, condition: "after prune 0.9", mean: 0.5 };
    const ranked = rankEffects([prune, effect, after, { ...prune, metric: "Size" }], "Accuracy");
    expect(ranked.map((item) => item.effect.operation)).toEqual(["prune", "finetune"]);
    expect(ranked[1]?.conditions).toEqual([after]);
  });
  it("read as sentences", () => {
    expect(subject(prune)).toBe("prune amount 0.5 → 0.9");
    expect(plain(predicate(accuracy, effect).text)).toBe("raises Accuracy by 8.0 pp");
    expect(predicate(accuracy, effect).goodness).toBe("neutral");
    expect(predicate(accuracy, prune)).toEqual({ text: "lowers Accuracy by 30.0\u00a0pp", goodness: "bad" });
    expect(predicate(accuracy, { ...prune, mean: null }).text).toBe(
      "has no pair in which both values of Accuracy are finite",
    );
    const pulled = { ...prune, median: -0.02, skewed: true };
    expect(plain(predicate(accuracy, pulled).text)).toBe("lowers Accuracy by 2.0 pp in the median pair");
    expect(plain(evidence(accuracy, pulled))).toBe("6 pairs, mean −30.0 pp, −50 to −10 pp (96.9% interval)");
    expect(predicate(accuracy, { ...pulled, median: 0.01 }).goodness).toBe("neutral");
    expect(predicate(accuracy, { ...pulled, median: 0 }).text).toBe("does not change Accuracy in the median pair");
    expect(plain(evidence(accuracy, prune))).toBe("6 pairs, −50 to −10 pp (96.9% interval)");
    expect(plain(evidence(accuracy, { ...prune, ci_high: 0.1 }))).toContain("could be zero");
    const few = { ...prune, pairs: 4, interval: "sign-flip test, 87.5%", confidence: 0.875 };
    expect(evidence(accuracy, few)).toContain("not enough pairs");
    expect(predicate(accuracy, few).goodness).toBe("neutral");
    expect(evidence(accuracy, effect)).toBe("only one pair");
  });
  it("say where they are largest and where smallest", () => {
    const under = (means: Record<string, number | null>) =>
      Object.entries(means).map(([condition, mean]) => ({ ...effect, condition, mean }));
    const told = (means: Record<string, number | null>) =>
      plain(dependence(accuracy, { effect: { ...effect, mean: 0.176 }, conditions: under(means) }) ?? "");
    const amounts = { "after magnitude prune amount=0.5": 0.023, "after magnitude prune amount=0.75": 0.507 };
    expect(told(amounts)).toBe("helps most after magnitude prune 0.75 (+50.7 pp), least after 0.5 (+2.3)");
    expect(told({ "after prune": 0.4, ...amounts, "epochs=3": 0.1, "epochs=5": null })).toContain("prune 0.75");
    expect(told({ "after prune": 0.6, "after quantize": -0.1 })).toBe(
      "helps after prune (+60.0 pp), hurts after quantize (−10.0 pp)",
    );
    expect(told({ "epochs=1": 0.01, "epochs=9": 0.4 })).toBe(
      "helps most with epochs 9 (+40.0 pp), least with 1 (+1.0)",
    );
    expect(told({ "after prune": 0.18, "after quantize": 0.17 })).toBe("");
    expect(told({})).toBe("");
  });
  it("find their pairs in the table", () => {
    expect(pairsOf(table, accuracy, effect)[0]?.difference).toBeCloseTo(0.08);
    expect(pairsOf(table, accuracy, prune)).toEqual([{ without: 1, with: 3, difference: Number.NaN }]);
    expect(
      sharedDomain([
        { without: 0, with: 1, difference: -2 },
        { without: 0, with: 1, difference: Number.NaN },
      ]),
    ).toEqual([-2, 0]);
  });
});
