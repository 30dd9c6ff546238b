import { describe, expect, it } from "vitest";
import { traceLine, traceRibbon, turnOf, type Pen, type Ribbon } from "./ribbon";

/** Records the corners of what is traced. */
function trace(draw: (pen: Pen) => void): [number, number][] {
  const points: [number, number][] = [];
  draw({
    moveTo: (x, y) => points.push([x, y]),
    lineTo: (x, y) => points.push([x, y]),
    bezierCurveTo: (...numbers) => points.push([numbers[4]!, numbers[5]!]),
    closePath: () => undefined,
  });
  return points;
}

const ribbon: Ribbon = { x0: 0, y0: 0, w0: 10, x1: 200, y1: 300, w1: 4, turn: 80 };

describe("traceRibbon", () => {
  const points = trace((pen) => traceRibbon(pen, ribbon));

  it("has the thickness of its ends there", () => {
    const [first, last] = [points[0]!, points.at(-1)!];
    expect(first).toEqual([0, -5]);
    expect(last).toEqual([0, 5]);
    expect(points.filter(([x]) => x === 200).map(([, y]) => y)).toEqual([298, 302]);
  });

  it("is equally thick where it is steep", () => {
    const half = points.length / 2;
    for (let k = 0; k < half; k++) {
      const [a, b] = [points[k]!, points[points.length - 1 - k]!];
      const middle = (a[0] + b[0]) / 2;
      expect(Math.hypot(a[0] - b[0], a[1] - b[1])).toBeCloseTo(10 - (6 * middle) / 200, 6);
    }
  });

  it("is a plain bar within one row", () => {
    const bar = trace((pen) => traceRibbon(pen, { ...ribbon, y1: 0 }));
    expect(bar).toEqual([
      [0, -5],
      [200, -2],
      [200, 2],
      [0, 5],
    ]);
  });
});

it("turns before it runs straight to the child", () => {
  expect(trace((pen) => traceLine(pen, ribbon))).toEqual([
    [0, 0],
    [80, 300],
    [200, 300],
  ]);
  expect(turnOf(100, 30)).toBe(30);
  expect(turnOf(50, 300)).toBeLessThan(50);
});
