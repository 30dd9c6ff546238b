import { describe, expect, it } from "vitest";
import { PointGrid } from "./grid";

let seed = 3;
const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
const count = 2000;
const x = Float64Array.from({ length: count }, () => random() * 300);
const y = Float64Array.from({ length: count }, () => random() * 200);
x[5] = Number.NaN;
const grid = new PointGrid(x, y, 300, 200);

describe("PointGrid", () => {
  it("finds the same neighbors as looking at every point", () => {
    for (let round = 0; round < 50; round++) {
      const [px, py, radius] = [random() * 320 - 10, random() * 220 - 10, random() * 40];
      const expected = [...x.keys()]
        .filter((i) => (x[i]! - px) ** 2 + (y[i]! - py) ** 2 <= radius ** 2)
        .sort((a, b) => (x[a]! - px) ** 2 + (y[a]! - py) ** 2 - ((x[b]! - px) ** 2 + (y[b]! - py) ** 2));
      expect(grid.near(px, py, radius)).toEqual(expected);
    }
  });
  it("finds what is inside a rectangle drawn in any direction", () => {
    const expected = [...x.keys()].filter((i) => x[i]! >= 20 && x[i]! <= 120 && y[i]! >= 50 && y[i]! <= 90);
    expect(grid.inside(120, 50, 20, 90)).toEqual(expected);
  });
  it("asks before it takes", () => expect(grid.near(150, 100, 500, () => false)).toEqual([]));
  it("does not know points without a place", () => expect(grid.inside(0, 0, 300, 200)).not.toContain(5));
});
