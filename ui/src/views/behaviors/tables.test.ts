import { describe, expect, it } from "vitest";
import type { ConfusionRow } from "@/api/behaviors";
import { behaviors, group, histogram, SUMMARY } from "@/testing/behaviors";
import { layoutColumns, nextSort, sortColumn } from "./columns";
import { confusionOf } from "./confusion";
import { hurtSentence, groupsOf, sortGroups } from "./groups";
import { metricOf } from "./metrics";
import type { Filter } from "./params";
import { diverging, largest, listed, numberOf } from "./scale";
import { bothIntervals, excludesZero, formatP, isBeyondChance, sentence, verdict } from "./sentence";
import { endsOf, isTie, missingWords, withBrush, withFilter, outcomesOf, outcomesOfBase } from "./summary";

const CORRECT = metricOf("correct", true);
const NLL = metricOf("nll", false);

describe("a confusion matrix", () => {
  const row = (label: number | string, prediction: number | string, change: number): ConfusionRow => ({
    label,
    prediction,
    base_count: 5,
    count: 5 + change,
    change,
  });

  it("has every label and prediction once, numbers by size and words with numbers by these", () => {
    expect(confusionOf([row(10, 9, 1), row(9, 10, -3), row(2, 2, 0)]).names).toEqual([2, 9, 10]);
    expect(confusionOf([row("c10", "c9", 1), row("c9", "c1", 1)]).names).toEqual(["c1", "c9", "c10"]);
  });
  it("finds its cells, a number apart from the word that looks like it", () => {
    const matrix = confusionOf([row(1, 2, 4), row("1", 2, -7)]);
    expect([matrix.cell(1, 2)?.change, matrix.cell("1", 2)?.change, matrix.cell(2, 1)]).toEqual([4, -7, undefined]);
    expect(matrix.most).toBe(7);
  });
  it("can be empty", () => expect(confusionOf([])).toMatchObject({ names: [], most: 0 }));
});

describe("the ends of histograms", () => {
  it("are wrong and right, or values, or changes", () => {
    const row = histogram("p50", 3);
    expect(endsOf(row, CORRECT, false, true)).toEqual(["wrong", "right"]);
    expect(endsOf(row, { ...NLL, unit: "", format: ".2f" }, false, false)).toEqual(["0.00", "1.00"]);
    expect(endsOf({ ...row, low: -1 }, { ...NLL, unit: "", format: ".1f" }, true, true)).toEqual(["−1", "+1"]);
    expect(endsOf(undefined, NLL, false, false)).toEqual(["", ""]);
  });
});

describe("filters by a click", () => {
  const flip: Filter = { kind: "flip", model: "a", flip: "right_to_wrong" };
  const back: Filter = { kind: "flip", model: "a", flip: "wrong_to_right" };
  const other: Filter = { kind: "flip", model: "b", flip: "right_to_wrong" };
  const cell: Filter = { kind: "group", value: "0" };

  it("come and go", () => {
    expect(withFilter([], flip)).toEqual([flip]);
    expect(withFilter([flip, cell], { ...flip })).toEqual([cell]);
  });
  it("are one for each model, the newest", () => {
    expect(withFilter([flip, other, cell], back)).toEqual([other, cell, back]);
  });
  it("have a range for each model", () => {
    expect(withBrush({ a: [0, 1], b: [2, 3] }, "a", [0, 2])).toEqual({ b: [2, 3], a: [0, 2] });
    expect(withBrush({ a: [0, 1], b: [2, 3] }, "a", null)).toEqual({ b: [2, 3] });
  });
});

describe("words about a model", () => {
  it("call it a tie where the interval holds zero", () => {
    expect(isTie(CORRECT, SUMMARY)).toBe(false);
    expect(isTie(CORRECT, { ...SUMMARY, ci_low: -0.1, ci_high: 0.1 })).toBe(true);
    expect(isTie(CORRECT, { ...SUMMARY, difference: null })).toBe(false);
  });
  it("say what is missing", () => {
    expect(missingWords(SUMMARY)).toBe("");
    expect(missingWords({ ...SUMMARY, missing: 1200, base_missing: 3, nonfinite: 1 })).toMatch(/1,200.*; .*3; 1 /);
  });
  it("are good or bad by the metric's direction, where zero is left out", () => {
    const change = { difference: -0.2, ci_low: -0.3, ci_high: -0.1 };
    expect([verdict(CORRECT, change), verdict(NLL, change)]).toEqual(["bad", "good"]);
    expect(verdict(CORRECT, { ...change, ci_high: 0.1 })).toBe("neutral");
    expect(excludesZero({ ci_low: null, ci_high: null })).toBe(false);
  });
  it("name both intervals", () => {
    expect(bothIntervals(CORRECT, SUMMARY)).toMatch(/^Newcombe: .*; .*bootstrap: /);
    expect(bothIntervals(CORRECT, { ...SUMMARY, difference: null })).toBe("");
  });
  it("count only what chance does not explain", () => {
    expect(isBeyondChance(SUMMARY)).toBe(false);
    expect(isBeyondChance({ ...SUMMARY, mcnemar_p_adjusted: 0.04 })).toBe(true);
    expect(isBeyondChance({ ...SUMMARY, mcnemar_p_adjusted: null, mcnemar_p: 0.01 })).toBe(true);
    expect(isBeyondChance({ ...SUMMARY, mcnemar_p_adjusted: null, mcnemar_p: null })).toBe(false);
  });
  it.each([
    [null, "—"],
    [0.0004, "< 0.001"],
    [0.004, "0.004"],
    [0.04, "0.04"],
    [0.625, "0.63"],
  ])("write p = %s as %s", (p, text) => expect(formatP(p)).toBe(text));
});

describe("the headline", () => {
  it("is what went wrong, where chance does not explain it", () => {
    const sure = { ...SUMMARY, mcnemar_p_adjusted: 0.001 };
    expect(sentence(behaviors({ summary: [sure] }), CORRECT)).toBe("p50 gets 3 wrong that cnn gets right");
    expect(sentence(behaviors({ summary: [sure], changes: [] }), CORRECT)).not.toContain("often");
  });
  it("says that nothing differs where chance does", () => {
    expect(sentence(behaviors(), CORRECT)).toContain("p50 does not differ significantly from cnn");
    const two = [SUMMARY, { ...SUMMARY, model: "p90" }];
    expect(sentence(behaviors({ summary: two }), CORRECT)).toMatch(/^None/);
  });
  it("is about the metric, where its change is clear and flips are not", () => {
    const rows = [{ ...SUMMARY, mcnemar_p_adjusted: 0.5, difference: 0.5, ci_low: 0.4, ci_high: 0.6 }];
    expect(sentence(behaviors({ summary: rows, metric: "nll" }), NLL)).toMatch(/^p50 changes loss/);
    const unclear = [{ ...rows[0]!, ci_low: -0.1 }];
    expect(sentence(behaviors({ summary: unclear, metric: "nll" }), NLL)).toMatch(/^p50 does not differ/);
  });
  it("is the largest change of a number", () => {
    const number = { right_to_wrong: null, mcnemar_p: null, mcnemar_p_adjusted: null };
    const rows = [
      { ...SUMMARY, ...number, difference: 0.5, ci_low: 0.4, ci_high: 0.6 },
      { ...SUMMARY, ...number, model: "p90", difference: -0.9, ci_low: -1, ci_high: -0.8 },
    ];
    expect(sentence(behaviors({ summary: rows }), NLL)).toMatch(/^p90 changes loss \(NLL\) most against cnn/);
  });
});

describe("classes", () => {
  const rows = [
    group("a", { difference: -0.4, excess: -0.3, hurt: true, count: 3 }),
    group("b", { difference: -0.1, excess: 0, count: 9 }),
    group("c", { difference: -0.5, excess: -0.4, hurt: true, count: 5 }),
  ];
  const groups = groupsOf(rows);
  const order = (by: string | null): unknown[] => sortGroups(groups, by).map(({ value }) => value);

  it("are sorted by anything, either way", () => {
    expect(order("group")).toEqual(["a", "b", "c"]);
    expect(order("-group")).toEqual(["c", "b", "a"]);
    expect(order("count")).toEqual(["a", "c", "b"]);
    expect(order("difference[p50]")).toEqual(["c", "a", "b"]);
    expect(order("-difference[p50]")).toEqual(["b", "a", "c"]);
  });
  it("name those that a model hurts, the worst first", () => {
    expect(hurtSentence(groups, ["p50"], String)).toMatch(/p50.*c, a/);
    expect(hurtSentence(groupsOf([group("a")]), ["p50"], String)).toBe("");
  });
});

describe("the columns of the list", () => {
  const asked = { base: "b", models: ["m"], dataset: "d", metric: "correct", by: [] };
  const columns = ["id", "label", "ink", "prediction[b]", "prediction[m]", "num_changed"];
  const layout = layoutColumns({ ...asked, columns }, true, false);

  it("are those that the answer has", () => {
    expect(layout).toMatchObject({
      image: true,
      label: true,
      text: false,
      predictions: true,
      changed: true,
      number: null,
    });
    expect([layout.models, layout.metadata]).toEqual([["b", "m"], ["ink"]]);
    expect(layout.template.split(" px").length).toBe(1);
  });
  it("are as wide as all of them together", () => {
    // image 44, id 84, label 72, two models of 92 + 40, changed 80, one of metadata 92
    expect(layout.width).toBe(44 + 84 + 72 + 2 * 132 + 80 + 92);
  });
  it("sort by the metric, or by its change where that is shown", () => {
    expect(sortColumn(layout, "correct", "m")).toBe("correct[m]");
    const relative = layoutColumns({ ...asked, metric: "nll", columns }, false, true);
    expect([sortColumn(relative, "nll", "m"), sortColumn(relative, "nll", "b")]).toEqual(["difference[m]", "nll[b]"]);
  });
  it("sort one way, the other, not at all", () => {
    const walk = (first: boolean): (string | null)[] => {
      const one = nextSort(null, "x", first);
      const two = nextSort(one, "x", first);
      return [one, two, nextSort(two, "x", first)];
    };
    expect(walk(false)).toEqual(["x", "-x", null]);
    expect(walk(true)).toEqual(["-x", "x", null]);
    expect(nextSort("y", "x", false)).toBe("x");
  });
});

describe("colors and numbers around zero", () => {
  it("go to opposite colors by what is better", () => {
    expect(diverging(CORRECT, 1, "light")).toBe(diverging(NLL, -1, "light"));
    expect(diverging(CORRECT, -1, "light")).toBe(diverging(NLL, 1, "light"));
    expect(diverging(CORRECT, 1, "light")).not.toBe(diverging(CORRECT, -1, "light"));
    expect(diverging(CORRECT, 0, "dark")).toBe(diverging(NLL, 0, "dark"));
  });
  it("are measured by what is finite", () => {
    expect(largest([1, -3, null, Infinity, NaN])).toBe(3);
    expect(largest([])).toBe(0);
  });
  it("are read as they came", () => {
    expect([numberOf(2), numberOf("NaN"), numberOf("-Infinity"), numberOf("x"), numberOf(null)]).toEqual([
      2,
      NaN,
      -Infinity,
      null,
      null,
    ]);
  });
  it("have decimals that fit the scale, and a sign where they are changes", () => {
    const plain = { ...NLL, format: "" };
    expect(listed(plain, 0.1234, 10)).toBe(listed(plain, 0.1234, 10, false));
    expect(listed(plain, 1.5, 10, true)).toMatch(/^\+1\.5/);
    expect(listed(plain, -1.5, 10, true)).toMatch(/^−1\.5/);
    expect(listed(plain, null, 10)).toBe("—");
    expect(listed(plain, 1e-9, 10, true)).not.toMatch(/^[+−]/);
  });
});

describe("outcomes", () => {
  it("divide the examples into four, from the base's hits and the flips", () => {
    // ten examples, nine hits of the base, three of them lost, and its one miss gained
    const row = { ...SUMMARY, count: 10, compared: 10, base_value: 0.9, right_to_wrong: 3, wrong_to_right: 1 };
    expect(outcomesOf(row)).toEqual({ both_right: 6, lost: 3, gained: 1, both_wrong: 0 });
    expect(outcomesOfBase(row)).toEqual({ both_right: 9, lost: 0, gained: 0, both_wrong: 1 });
  });
  it("are of the examples that both have, and not known without labels", () => {
    const row = { ...SUMMARY, count: 12, compared: 8, base_value: 0.5, right_to_wrong: 1, wrong_to_right: 2 };
    expect(outcomesOf(row)).toEqual({ both_right: 3, lost: 1, gained: 2, both_wrong: 2 });
    expect(outcomesOf({ ...row, right_to_wrong: null })).toBeNull();
    expect(outcomesOfBase({ ...row, base_value: null })).toBeNull();
  });
});
