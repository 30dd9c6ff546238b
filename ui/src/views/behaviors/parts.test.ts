import { describe, expect, it } from "vitest";
import type { Answer, GroupRow, HistogramRow, SummaryRow } from "@/api/behaviors";
import { chains } from "@/state/testing";
import { baseChoices, baseWords, chooseBase, proposal } from "@/state/base";
import { binsOf, countsOf, leftOut } from "./bins";
import { layoutColumns, nextSort, sortColumn } from "./columns";
import { wordDiff } from "./diff";
import { groupsOf, hurtSentence, matricesOf, sortGroups } from "./groups";
import { metricOf } from "./metrics";
import { diverging, listed, numberOf } from "./scale";
import { bothIntervals, formatP, sentence, verdict } from "./sentence";

const row = (change: Partial<SummaryRow>): SummaryRow => ({
  model: "m",
  metric: "correct",
  count: 10,
  compared: 10,
  value: 0.5,
  base_value: 0.9,
  difference: -0.4,
  ci_low: -0.6,
  ci_high: -0.2,
  bootstrap_low: -0.7,
  bootstrap_high: -0.1,
  agreement: 0.5,
  right_to_wrong: 4,
  wrong_to_right: 0,
  wrong_to_wrong: 0,
  mcnemar_p: 0.01,
  mcnemar_p_adjusted: 0.01,
  interval: "",
  missing: 0,
  base_missing: 0,
  nonfinite: 0,
  ...change,
});
const answer = (summary: SummaryRow[]): Answer => ({
  base: "b",
  models: summary.map(({ model }) => model),
  metric: "correct",
  higher_is_better: true,
  meaning: "",
  metrics: [],
  columns: [],
  group_columns: [],
  num_instances: 10,
  summary,
  histograms: null,
  groups: null,
  confusion: null,
  slices: null,
  instances: null,
  exemplars: null,
  calibration: null,
  calibration_errors: null,
  perplexity: null,
  segmentation: null,
  pairs: null,
  total: null,
  changes: [{ model: "m", base_prediction: 6, prediction: 8, count: 3, rate: 0.3, rate_of_base: 0.5 }],
});
const accuracy = metricOf("correct", true);

describe("sentence", () => {
  it("names the model that loses most, and to what", () => {
    expect(sentence(answer([row({ model: "k", right_to_wrong: 1 }), row({ right_to_wrong: 14 })]), accuracy)).toBe(
      "m gets 14 wrong that b gets right",
    );
  });
  it("names no model alone that loses no more than others", () => {
    const told = (...lost: number[]): string =>
      sentence(answer(lost.map((right_to_wrong, k) => row({ model: `m${k}`, right_to_wrong }))), accuracy);
    expect(told(58, 58)).toBe("m0 and m1 get most wrong that b gets right (58 each), and tie");
    // 58 − 40 = 18 is less than 1.96 · √98 = 19.4
    expect(told(40, 58)).toBe("m0 and m1 get most wrong that b gets right (40 to 58), and tie");
    expect(told(39, 59)).toBe("m1 gets 59 wrong that b gets right");
  });
  it("names the most frequent change only where it is clearly ahead", () => {
    const changes = (...counts: number[]) =>
      counts.map((count) => ({
        model: "m",
        base_prediction: count,
        prediction: 8,
        count,
        rate: 0.3,
        rate_of_base: 0.5,
      }));
    // 9 − 2 = 7 is more than 1.96 · √11 = 6.5, and 9 − 3 = 6 is less than 1.96 · √12 = 6.8
    expect(sentence({ ...answer([row({})]), changes: changes(9, 2) }, accuracy)).toMatch(/, most often 9 read as 8$/);
    expect(sentence({ ...answer([row({})]), changes: changes(9, 3) }, accuracy)).toMatch(/right$/);
  });
  it("calls changes within the intervals of each other a tie, and those with zero in theirs none", () => {
    const number = { right_to_wrong: null, mcnemar_p: null, mcnemar_p_adjusted: null };
    const told = (...rows: Parameters<typeof row>[0][]): string =>
      sentence(answer(rows.map((one) => row({ ...number, ...one }))), accuracy);
    const other = { model: "k", difference: -0.35, ci_low: -0.55, ci_high: -0.15 };
    expect(told({}, other)).toBe("m and k change accuracy most against b, and tie");
    const four = ["k", "l", "n"].map((model) => ({ ...other, model }));
    expect(told({}, ...four)).toBe("m, k and 2 more change accuracy most against b, and tie");
    expect(told({ ci_high: 0.1 })).toBe("m does not differ from b in accuracy by more than its interval");
    expect(told({ ci_high: 0.1 }, { ...other, ci_high: 0.1 })).toMatch(
      /^None of the models differs from b in accuracy/,
    );
  });
  it("says when chance explains all", () => {
    expect(sentence(answer([row({ mcnemar_p_adjusted: 0.3 })]), accuracy)).toBe(
      "m does not differ significantly from b in accuracy",
    );
  });
  it("falls back to the largest change", () => {
    const found = sentence(
      answer([row({ right_to_wrong: null, mcnemar_p: null, mcnemar_p_adjusted: null })]),
      accuracy,
    );
    expect(found.replaceAll("\u00a0", " ")).toBe("m changes accuracy most against b: −40 pp (−60 to −20)");
  });
  it("tells the interval by both methods", () => {
    expect(bothIntervals(accuracy, row({ interval: "Newcombe" })).replaceAll("\u00a0", " ")).toBe(
      "Newcombe: −40 pp (−60 to −20); paired bootstrap: −40 pp (−70 to −10)",
    );
    expect(bothIntervals(accuracy, row({ difference: null }))).toBe("");
  });
  it("judges only what the interval supports", () => {
    expect(
      [row({}), row({ ci_high: 0.1 }), row({ difference: 0.4, ci_low: 0.1, ci_high: 0.6 })].map((one) =>
        verdict(accuracy, one),
      ),
    ).toEqual(["bad", "neutral", "good"]);
    expect([null, 1e-9, 0.004, 0.2].map(formatP)).toEqual(["—", "< 0.001", "0.004", "0.20"]);
  });
});

describe("base", () => {
  const table = chains("a", "a > p 1", "a > p 1 > f", "z");
  it("is the one that the others come from, unless another is chosen", () => {
    expect(chooseBase(["a > p 1 > f", "a > p 1"], null, table)).toEqual({ id: "a > p 1", how: "selected" });
    expect(chooseBase(["a > p 1", "a"], "a > p 1", table)).toEqual({ id: "a > p 1", how: "chosen" });
    expect(chooseBase(["a > p 1", "a"], "gone", table)).toEqual({ id: "a", how: "selected" });
    expect(chooseBase([], null, table)).toBeNull();
  });
  it("is the nearest common ancestor of siblings, which is added and said, and never one of them", () => {
    const tree = chains("a", "a > p 1", "a > p 1 > f", "a > p 1 > g", "a > q", "z");
    const any = (): boolean => true;
    const siblings = ["a > p 1 > f", "a > p 1 > g"];
    const base = chooseBase(siblings, null, tree, any);
    expect(base).toEqual({ id: "a > p 1", how: "ancestor" });
    expect(baseWords(base)).toBe("a > p 1 was added as the base: the nearest common ancestor");
    expect(chooseBase(["a > p 1 > f", "a > q"], null, tree, any)?.id).toBe("a");
    // where the nearest cannot be used, the next one above it is
    expect(chooseBase(siblings, null, tree, (id) => id !== "a > p 1")?.id).toBe("a");
    expect(chooseBase(["a > p 1", "z"], null, tree, any)?.how).toBe("unrelated");
  });
  it("can be any model, whether it is compared or not", () => {
    const tree = chains("a", "a > p 1", "a > p 1 > f", "z");
    const any = (): boolean => true;
    expect(chooseBase(["a > p 1 > f"], "z", tree, any)).toEqual({ id: "z", how: "chosen" });
    expect(baseChoices(["a > p 1 > f"], tree, any)).toEqual([
      { label: "Compared", ids: ["a > p 1 > f"] },
      { label: "Ancestors", ids: ["a > p 1", "a"] },
      { label: "Other models", ids: ["z"] },
    ]);
    expect(baseChoices(["a"], tree, (id) => id === "a")).toEqual([{ label: "Compared", ids: ["a"] }]);
  });
  it("is proposed with what was made from it", () => {
    const all = new Set(table.ids);
    expect(proposal(all, table, null)).toEqual(["a", "a > p 1"]);
    expect(proposal(all, table, "a > p 1 > f")).toEqual(["a > p 1", "a > p 1 > f"]);
  });
});

describe("bins", () => {
  const counts = (numbers: number[]): HistogramRow => ({
    model: "m",
    low: 0,
    high: 1,
    counts: numbers,
    nan: 2,
    positive_infinity: 0,
    negative_infinity: 1,
    missing: 0,
  });
  it("are two where all values are at the ends", () => {
    const rows = [counts([3, 0, 0, 7])];
    expect(binsOf(rows[0]!, rows)).toMatchObject({ edges: [0, 0.5, 1], counts: [3, 7] });
    expect(countsOf(rows[0], rows)).toEqual([3, 7]);
  });
  it("are the server's otherwise", () => {
    const rows = [counts([3, 0, 0, 7]), counts([1, 0, 2, 0])];
    expect(binsOf(rows[0]!, rows)).toMatchObject({ edges: [0, 0.25, 0.5, 0.75, 1], counts: [3, 0, 0, 7] });
  });
  it("say what is in none", () => expect(leftOut(counts([1]))).toBe("2 NaN, 1 −∞"));
});

describe("columns", () => {
  const columns = [
    "id",
    "label",
    "text",
    "ink",
    "prediction[b]",
    "prediction[m]",
    "nll[b]",
    "nll[m]",
    "difference[m]",
    "num_changed",
  ];
  const question = { base: "b", models: ["m"], dataset: "d", by: [], columns };
  it("follow what there is", () => {
    const layout = layoutColumns({ ...question, metric: "nll" }, true, false);
    expect(layout).toMatchObject({
      image: true,
      label: true,
      text: true,
      models: ["b", "m"],
      number: "metric",
      metadata: ["ink"],
      changed: true,
    });
    expect(layout.template.split(" minmax(")).toHaveLength(3);
    expect(sortColumn(layout, "nll", "m")).toBe("nll[m]");
    expect(sortColumn(layoutColumns({ ...question, metric: "nll" }, true, true), "nll", "m")).toBe("difference[m]");
    expect(layoutColumns({ ...question, metric: "correct" }, true, true).number).toBeNull();
  });
  it("sort one way, the other, and not", () => {
    expect(["-a", "a", null].map((sort) => nextSort(sort, "a", true))).toEqual(["a", null, "-a"]);
    expect(nextSort("-b", "a", false)).toBe("a");
  });
});

describe("groups", () => {
  const group = (model: string, name: number | null, change: number | null, hurt = false): GroupRow => ({
    ...row({}),
    model,
    group: name,
    first: null,
    second: null,
    difference: change,
    excess: change,
    excess_p: 0,
    hurt,
  });
  const groups = groupsOf([group("m", 1, -0.5, true), group("m", 2, null), group("m", null, 0.1), group("k", 1, 0)]);
  it("have a cell per model", () => {
    expect(groups.map(({ value }) => value)).toEqual([1, 2, null]);
    expect([...groups[0]!.cells.keys()]).toEqual(["m", "k"]);
  });
  it("sort with missing last, both ways", () => {
    expect(sortGroups(groups, "difference[m]").map(({ value }) => value)).toEqual([1, null, 2]);
    expect(sortGroups(groups, "-difference[m]").map(({ value }) => value)).toEqual([null, 1, 2]);
  });
  it("of two columns are a matrix, as long as it can be read", () => {
    const pair = (model: string, first: string, second: string): GroupRow => ({ ...group(model, 0, 0), first, second });
    const rows = [pair("m", "label 0", "thin"), pair("m", "label 1", "thick"), pair("k", "label 1", "thin")];
    const found = matricesOf(rows, ["m", "k"])!;
    const { rows: firsts, columns: seconds, cell } = found.get("m")!;
    expect([firsts, seconds]).toEqual([
      ["label 0", "label 1"],
      ["thin", "thick"],
    ]);
    expect([cell("label 0", "thin"), cell("label 0", "thick")]).toEqual([rows[0], null]);
    expect(found.get("k")!.cell("label 1", "thin")).toBe(rows[2]);
    const later = [pair("m", "label 0", "c"), ...["a", "b", "c"].map((second) => pair("m", "label 1", second))];
    expect(matricesOf(later, ["m"])!.get("m")!.columns).toEqual(["a", "b", "c"]);
    expect(matricesOf([group("m", 1, 0)], ["m"])).toBeNull();
    const many = Array.from({ length: 61 }, (_, k) => pair("m", `label ${k}`, "thin"));
    expect(matricesOf(many, ["m"])).toBeNull();
  });
  it("say which are hurt", () =>
    expect(hurtSentence(groups, ["m", "k"], String)).toBe("m hits class 1 harder than the rest"));
});

describe("scale", () => {
  it("is blue for better and orange for worse, by direction", () => {
    const loss = metricOf("nll", false);
    expect(diverging(accuracy, 1, "light")).toBe(diverging(loss, -1, "light"));
    expect(diverging(accuracy, -1, "light")).not.toBe(diverging(accuracy, 1, "light"));
  });
  it("writes numbers of a list alike", () => {
    const loss = metricOf("nll", false);
    expect([0.00826, -1.4, 0, null].map((value) => listed(loss, value, 7.27, true))).toEqual([
      "+0.01",
      "−1.40",
      "0.00",
      "—",
    ]);
    expect([-0.431, 0.5].map((value) => listed(accuracy, value, 1))).toEqual(["−43.1%", "50.0%"]);
    expect([1, "NaN", "-Infinity", null, "7"].map(numberOf)).toEqual([1, NaN, -Infinity, null, null]);
  });
});

describe("wordDiff", () => {
  it("marks what came and went", () => {
    expect(wordDiff("the cat sat", "the dog sat down")).toEqual([
      { text: "the ", kind: "same" },
      { text: "cat", kind: "removed" },
      { text: "dog", kind: "added" },
      { text: " sat", kind: "same" },
      { text: " down", kind: "added" },
    ]);
    expect(wordDiff("", "")).toEqual([]);
    expect(wordDiff("x ".repeat(5000), "y")).toBeNull();
  });
});
