import { expect, test } from "vitest";
import { calibrationError, calibrationSentence, columns, frequencies, leaning } from "./reliability";

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

test("confidence leans by the mean over instances, where that is more than chance", () => {
  expect(leaning([bin(0, 10, 0.2, 0.5), bin(0.5, 990, 0.9, 0.8)])).toBe("over");
  expect(leaning([bin(0.5, 1000, 0.7, 0.8)])).toBe("under");
  expect(leaning([bin(0.5, 1000, 0.7, 0.7)])).toBe("neither");
  // 10 points of 10 examples: the interval of the accuracy is ± 25 points
  expect(leaning([bin(0.5, 10, 0.7, 0.8)])).toBe("neither");
  expect(leaning([])).toBe("neither");
});

test("the error is the mean distance, with that of a share of so many examples", () => {
  const { value, error } = calibrationError([bin(0, 100, 0.2, 0.5), bin(0.5, 300, 0.9, 0.8)])!;
  expect(value).toBeCloseTo((100 * 0.3 + 300 * 0.1) / 400);
  // shares of 51/102 and 241/302: √((1/4)² · 0.25/100 + (3/4)² · 0.1612/300)
  expect(error).toBeCloseTo(0.0214, 3);
  expect(calibrationError([bin(0, 0, null, null)])).toBeNull();
});

test("none of models that tie is the worst calibrated", () => {
  const errors = [0.02, 0.1, 0.11].map((value) => ({ value, error: 0.01 }));
  expect(calibrationSentence(["a", "b", "c"], errors)).toBe("b and c are worst calibrated, and tie.");
  expect(calibrationSentence(["a", "b"], errors.slice(0, 2))).toBe(
    "b is worst calibrated: expected calibration error 0.100 (0.080–0.120).",
  );
  expect(calibrationSentence(["b", "c"], errors.slice(1))).toBe("Both models tie in calibration.");
  expect(calibrationSentence(["a"], [null])).toBe("");
});

test("bars say how many examples there are, and how sure the accuracy is", () => {
  const rows = [bin(0, 0, null, null), bin(0.5, 100, 0.6, 0.5)];
  expect(frequencies(rows, 100, 20)).toEqual([{ x: 50.5, width: 49, height: 20, count: 100 }]);
  // Wilson's interval of 50 of 100 is 0.404 to 0.596
  const [high, low] = columns(rows, 100)[0]!.interval;
  expect([high, low].map((top) => Math.round(top * 10) / 10)).toEqual([40.4, 59.6]);
});
