import { expect, test } from "vitest";
import { envelope, outline } from "./sound";

test("an envelope holds the extremes of each piece", () => {
  expect(envelope(Float32Array.of(0.5, -0.25, 0, 1, -1), 2)).toEqual([
    [-0.25, 0.5],
    [-1, 1],
  ]);
  expect(envelope(new Float32Array(), 4)).toEqual([]);
});

test("an outline has a line per piece around the middle", () => {
  expect(
    outline(
      [
        [-1, 1],
        [0, 0],
      ],
      20,
      10,
    ),
  ).toBe("M5 -0.5V10.5M15 4.5V5.5");
  expect(outline([], 20, 10)).toBe("");
});
