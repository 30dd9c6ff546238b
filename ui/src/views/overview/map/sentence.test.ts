import { describe, expect, it } from "vitest";
import { metric, testTable } from "@/state/testing";
import { mapSentence, worstSteps } from "./sentence";

const models = [
  { id: "t", values: [0.9, 10] },
  { id: "a", base: "t", values: [0.1, 30] },
  { id: "b", base: "a", values: [0.95, null] },
];
const accuracy = metric("acc", { higher_is_better: true, min: 0, max: 1, format: ".1%" });
const table = testTable(models, [accuracy, metric("ms", { higher_is_better: false })]);
const spaced = (text: string): string => text.replaceAll("\u00a0", " ");

describe("mapSentence", () => {
  it("names the step that makes a metric worst, by its direction, and what it is compared with", () => {
    expect(worstSteps(table, "acc").map(({ model }) => model)).toEqual([1]);
    expect(spaced(mapSentence(table, "acc"))).toBe("acc falls most at a: −80.0 pp against t");
    expect(mapSentence(table, "ms")).toMatch(/^ms rises most at a: \+20 against t/);
  });

  it("only counts where no direction is known or nothing got worse", () => {
    expect(spaced(mapSentence(testTable(models, [metric("acc")]), "acc"))).toBe("3 models");
    expect(spaced(mapSentence(table, null))).toBe("3 models");
  });

  const many = testTable(
    [
      { id: "t", values: [0.9] },
      ...["a", "b", "c"].map((id) => ({ id, base: "t", values: [0.4] })),
      { id: "d", base: "t", values: [0.7] },
    ],
    [accuracy],
  );

  it("calls none of three equal falls the fall", () => {
    expect(spaced(mapSentence(many, "acc"))).toBe("acc falls most, by 50.0 pp or more, at 3 steps that tie");
    const two = testTable(
      [{ id: "t", values: [0.9] }, ...["a", "b"].map((id) => ({ id, base: "t", values: [0.4] }))],
      [accuracy],
    );
    expect(mapSentence(two, "acc")).toMatch(/at a and b, a tie$/);
  });

  it("respects the filters", () => {
    const passing = [1, 0, 0, 0, 1];
    expect(spaced(mapSentence(many, "acc", { passing }))).toBe("acc falls most at d: −20.0 pp against t");
    expect(spaced(mapSentence(many, "acc", { passing: [1, 0, 0, 0, 0] }))).toBe("1 of 5 models");
  });

  it("says nothing of a fall within its interval, or before the intervals are known", () => {
    const within = (): number => 0.4;
    expect(spaced(mapSentence(many, "acc", { errorOf: within }))).toBe("5 models");
    expect(spaced(mapSentence(many, "acc", { errorOf: null }))).toBe("5 models");
    // a fall has an error of √2 · 0.06 = 0.085, the difference of two 0.12, and 1.96 · 0.12 = 0.235 is less than 0.3
    expect(mapSentence(many, "acc", { errorOf: () => 0.06 })).toMatch(/at 3 steps that tie$/);
  });
});
