import { describe, expect, it } from "vitest";
import { frontierSteps, paretoFrontier, type Directions } from "./pareto";

/** The definition, quadratically: nobody is at least as good on both axes and better on one. */
function byDefinition(x: number[], y: number[], { xHigher, yHigher }: Directions): number[] {
  const better = (a: number, b: number, higher: boolean): boolean => (higher ? a > b : a < b);
  return x.flatMap((_, i) => {
    const xi = x[i] as number;
    const yi = y[i] as number;
    if (!Number.isFinite(xi) || !Number.isFinite(yi)) return [];
    const beaten = x.some((xj, j) => {
      const yj = y[j] as number;
      if (!Number.isFinite(xj) || !Number.isFinite(yj)) return false;
      const noWorse = !better(xi, xj, xHigher) && !better(yi, yj, yHigher);
      return noWorse && (better(xj, xi, xHigher) || better(yj, yi, yHigher));
    });
    return beaten ? [] : [i];
  });
}

describe("paretoFrontier", () => {
  it("works a hand case: small and accurate", () => {
    const size = [10, 20, 30, 20, 5, 40];
    const accuracy = [0.8, 0.9, 0.85, 0.7, 0.2, 0.95];
    expect(paretoFrontier(size, accuracy, { xHigher: false, yHigher: true })).toEqual([4, 0, 1, 5]);
  });

  it("keeps equal points together and drops what is not finite", () => {
    const x = [1, 1, 1, Number.NaN, 2, Infinity];
    const y = [3, 3, 2, 9, 3, 9];
    expect(paretoFrontier(x, y, { xHigher: false, yHigher: true })).toEqual([0, 1]);
  });

  it("leaves out what it is told to", () => {
    expect(paretoFrontier([1, 2], [2, 1], { xHigher: true, yHigher: true }, (i) => i !== 1)).toEqual([0]);
  });

  it("agrees with the definition on random points in all four directions", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 200; round++) {
      const n = 1 + Math.floor(random() * 40);
      const draw = (): number => (random() < 0.05 ? Number.NaN : Math.floor(random() * 12));
      const x = Array.from({ length: n }, draw);
      const y = Array.from({ length: n }, draw);
      const directions = { xHigher: random() < 0.5, yHigher: random() < 0.5 };
      const found = paretoFrontier(x, y, directions);
      expect([...found].sort((a, b) => a - b)).toEqual(byDefinition(x, y, directions));
      const along = found.map((i) => (directions.xHigher ? -1 : 1) * (x[i] as number));
      expect(along).toEqual([...along].sort((a, b) => a - b));
    }
  });
});

it("turns a frontier into steps", () => {
  expect(
    frontierSteps([
      { x: 1, y: 1 },
      { x: 3, y: 2 },
    ]),
  ).toEqual([
    { x: 1, y: 1 },
    { x: 3, y: 1 },
    { x: 3, y: 2 },
  ]);
  expect(frontierSteps([])).toEqual([]);
});
