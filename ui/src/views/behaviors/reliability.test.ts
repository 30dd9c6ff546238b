import { expect, test } from "vitest";
import { columns, leaning } from "./reliability";

const bin = (low: number, count: number, confidence: number | null, accuracy: number | null) => ({
  model: "m",
  low,
  high: low + 0.5,
  count,
  confidence,
  accuracy,
});

test("bars reach to the accuracy and empty bins have none", () => {
  const found = columns([bin(0, 0, null, null), bin(0.5, 4, 0.9, 0.75)], 100);
  expect(found).toMatchObject([{ x: 50.5, width: 49, top: 25, height: 75 }]);
  expect(found[0]!.expected).toBeCloseTo(10);
});

test("confidence leans by the mean over instances", () => {
  expect(leaning([bin(0, 1, 0.2, 0.5), bin(0.5, 99, 0.9, 0.8)])).toBe("over");
  expect(leaning([bin(0.5, 10, 0.7, 0.8)])).toBe("under");
  expect(leaning([bin(0.5, 10, 0.7, 0.7)])).toBe("neither");
  expect(leaning([])).toBe("neither");
});
