import { expect, it } from "vitest";
import { metric } from "@/state/testing";
import { markOf } from "./barmarks";
import { valuePhrase, valueWord } from "./words";
import { variableColors } from "./colors";

const cell = (...ids: string[]) => ({ facet: 0, x: 0, color: 0, ids });

it("gives a single value its 95% interval", () => {
  const mark = markOf(
    metric("m"),
    cell("a"),
    () => 0.9,
    () => 0.01,
  );
  expect(mark.low).toBeCloseTo(0.8804);
  expect(mark.high).toBeCloseTo(0.9196);
});
it("gives replicates their mean, range and dots", () => {
  const values: Record<string, number | null> = { a: 1, b: 3, c: null };
  expect(
    markOf(
      metric("m"),
      cell("a", "b", "c"),
      (id) => values[id]!,
      () => null,
    ),
  ).toMatchObject({
    mean: 2,
    low: 1,
    high: 3,
    replicates: [1, 3],
  });
});
it("keeps what is not a number apart from what is missing", () => {
  expect(
    markOf(
      metric("m"),
      cell("a"),
      () => null,
      () => null,
    ),
  ).toMatchObject({ mean: null, special: null });
  expect(
    markOf(
      metric("m"),
      cell("a"),
      () => Number.NaN,
      () => null,
    ),
  ).toMatchObject({ mean: null, special: Number.NaN });
});

it("says values in words", () => {
  expect([true, false].map((value) => valueWord({ kind: "presence" }, value))).toEqual(["with", "without"]);
  expect([0.5, null, "int8"].map((value) => valueWord({ kind: "parameter" }, value))).toEqual(["0.5", "none", "int8"]);
  const train = { name: "train 2", kind: "presence", values: [false, true] };
  expect(valuePhrase(train, true)).toBe("with train 2");
  expect(valuePhrase({ name: "amount", kind: "parameter", values: [] }, 0.9)).toBe("amount 0.9");
  expect(valuePhrase({ name: "amount", kind: "parameter", values: [] }, null)).toBe("without amount");
  expect(valuePhrase({ name: "operation", kind: "operation", values: [] }, "calibrate")).toBe("calibrate");
});

it("gives numbers a ramp, words categories, and one value no color of its own", () => {
  const [none, low, high] = variableColors([null, 0.5, 0.9], "light");
  expect(new Set([none, low, high]).size).toBe(3);
  expect(variableColors(["a", "b"], "light")).toEqual(["#e69f00", "#56b4e9"]);
  expect(new Set(variableColors([..."abcdefghij"], "light")).size).toBe(9);
  expect(variableColors(["a"], "dark")).toEqual(["#8a93a0"]);
});
