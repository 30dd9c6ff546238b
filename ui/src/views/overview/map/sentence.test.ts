import { describe, expect, it } from "vitest";
import { metric, testTable } from "@/state/testing";
import { mapSentence, worstStep } from "./sentence";

const models = [
  { id: "t", values: [0.9, 10] },
  { id: "a", base: "t", values: [0.1, 30] },
  { id: "b", base: "a", values: [0.95, null] },
];
const table = testTable(models, [
  metric("acc", { higher_is_better: true, min: 0, max: 1, format: ".1%" }),
  metric("ms", { higher_is_better: false }),
]);

describe("mapSentence", () => {
  it("names the step that makes a metric worst, by its direction", () => {
    expect(worstStep(table, "acc")).toBe(1);
    expect(mapSentence(table, "acc", (i) => table.ids[i]!)).toMatch(/^acc falls most at a: −80/);
    expect(mapSentence(table, "ms", (i) => table.ids[i]!)).toMatch(/^ms rises most at a/);
  });

  it("only counts where no direction is known or nothing got worse", () => {
    expect(mapSentence(testTable(models, [metric("acc")]), "acc", String)).toMatch(/^3\smodels$/);
    expect(mapSentence(table, null, String)).toMatch(/^3\smodels$/);
  });
});
