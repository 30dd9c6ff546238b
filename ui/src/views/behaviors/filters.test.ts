import { describe, expect, it } from "vitest";
import { brushWords, conditions, filterWords } from "./filters";
import { metricOf } from "./metrics";
import { DEFAULTS as NONE, type Filter } from "./params";

const DEFAULTS = { ...NONE, metric: "correct" };
const of = (filter: Filter) => conditions({ ...DEFAULTS, filters: [filter] }, "b", ["m"]);

describe("conditions", () => {
  it("are none for the default", () => expect(conditions(DEFAULTS, "b", ["m"])).toEqual([]));

  it("say what a flip is", () => {
    expect(of({ kind: "flip", model: "m", flip: "right_to_wrong" })).toEqual([
      ["correct[b]", "==", 1],
      ["correct[m]", "==", 0],
    ]);
    expect(of({ kind: "flip", model: "m", flip: "wrong_to_right" })).toEqual([
      ["correct[b]", "==", 0],
      ["correct[m]", "==", 1],
    ]);
    expect(of({ kind: "flip", model: "m", flip: "wrong_to_wrong" })).toContainEqual(["changed[m]", "==", true]);
  });

  it("say what changed into what, and which class", () => {
    expect(of({ kind: "change", model: "m", from: 6, to: null })).toEqual([
      ["prediction[b]", "==", 6],
      ["prediction[m]", "is null", true],
    ]);
    expect(of({ kind: "group", value: "thick" })).toEqual([["group", "==", "thick"]]);
    expect(of({ kind: "cell", model: "m", label: 1, to: 2 })).toEqual([
      ["label", "==", 1],
      ["prediction[m]", "==", 2],
    ]);
  });

  it("forget models that are not compared", () => {
    expect(of({ kind: "flip", model: "gone", flip: "right_to_wrong" })).toEqual([]);
    expect(conditions({ ...DEFAULTS, brushes: { gone: [0, 1] } }, "b", ["m"])).toEqual([]);
  });

  it("combine the brushes of several models, open at their ends, with search and change", () => {
    const params = {
      ...DEFAULTS,
      metric: "nll",
      brushes: { b: [0, Infinity], m: [-Infinity, 2] } as const,
      find: "x",
      changed: true,
    };
    expect(conditions(params, "b", ["m"])).toEqual([
      ["nll[b]", ">=", 0],
      ["nll[m]", "<=", 2],
      ["changed", "==", true],
      ["*", "contains", "x"],
    ]);
    expect(conditions({ ...params, relative: true }, "b", ["m"])[0]).toEqual(["difference[m]", "<=", 2]);
  });
});

describe("words", () => {
  it("say what a filter does", () => {
    expect(filterWords({ kind: "flip", model: "m", flip: "right_to_wrong" }, [])).toBe("m: right → wrong");
    expect(filterWords({ kind: "group", value: 5 }, [])).toBe("class 5");
    expect(filterWords({ kind: "group", value: null }, ["stroke"])).toBe("stroke none");
    expect(filterWords({ kind: "group", value: "a = 1, b = 2" }, ["a", "b"])).toBe("a = 1, b = 2");
  });
  it("say what a brush leaves", () => {
    expect(brushWords(metricOf("correct", true), "m", [-Infinity, 0.5])).toBe("m: at most 50.0%");
    expect(brushWords(metricOf("cosine", true), "m", [0.5, Infinity])).toBe("m: at least 0.5000");
  });
});
