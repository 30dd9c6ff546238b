import { expect, it } from "vitest";
import { labelStride, placeLabels } from "./labels";

const frame = { x: 0, y: 0, width: 100, height: 100 };

it("places labels without overlap and inside the frame", () => {
  const requests = Array.from({ length: 12 }, (_, i) => ({ x: 50 + (i % 3) * 4, y: 50 + i, width: 30, height: 10 }));
  const placed = placeLabels(requests, frame);
  expect(placed.length).toBeGreaterThan(1);
  placed.forEach((a, i) => {
    expect(a.x).toBeGreaterThanOrEqual(0);
    expect(a.x + a.width).toBeLessThanOrEqual(100);
    placed.slice(i + 1).forEach((b) => {
      expect(a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height).toBe(false);
    });
  });
});

it("avoids obstacles and leaves out what has no place", () => {
  expect(placeLabels([{ x: 50, y: 50, width: 30, height: 10 }], frame, [frame])).toEqual([]);
});

it("thins out tick labels", () => {
  expect(labelStride([20, 30], 40)).toBe(1);
  expect(labelStride([20, 30], 20)).toBe(2);
});
