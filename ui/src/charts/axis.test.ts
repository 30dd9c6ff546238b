import { describe, expect, it } from "vitest";
import type { MetricLike } from "../format";
import { makeAxis, panDomain, zoomDomain } from "./axis";

const metric: MetricLike = { name: "m", unit: "B", format: "", higher_is_better: null, min: 0, max: null };

describe("makeAxis", () => {
  it("maps linearly, and back", () => {
    const axis = makeAxis(metric, [0, 200], { range: [0, 100], count: 4 });
    expect(axis.toPixel(50)).toBe(25);
    expect(axis.toValue(25)).toBe(50);
    expect(axis.ticks.map((tick) => tick.pixel)).toEqual([0, 25, 50, 75, 100]);
  });
  it("maps ratios to distances on a log axis", () => {
    const axis = makeAxis(metric, [1, 100], { log: true, range: [100, 0], count: 3 });
    expect(axis.toPixel(10)).toBeCloseTo(50);
  });
  it("is linear where a log axis is impossible", () => {
    expect(makeAxis(metric, [-1, 100], { log: true, range: [0, 1], count: 3 }).log).toBe(false);
  });
  it("labels no tick where two labels would meet", () => {
    const labels = (range: [number, number]): string[] =>
      makeAxis(metric, [0, 1_000_000], { range, count: 10 }).ticks.map((tick) => tick.label);
    // labels of up to 7 letters are about 45 pixels wide, and 12 high
    expect(labels([0, 1000]).every((label) => label !== "")).toBe(true);
    expect(labels([0, 300]).filter((label) => label !== "").length).toBeLessThanOrEqual(7);
    expect(labels([300, 0]).every((label) => label !== "")).toBe(true);
    expect(labels([60, 0]).filter((label) => label !== "").length).toBeLessThanOrEqual(6);
  });
  it("has no tick that the metric cannot reach", () => {
    expect(makeAxis(metric, [-20, 100], { range: [0, 100], count: 6 }).ticks[0]?.value).toBe(0);
  });
});

describe("zooming and panning", () => {
  const axis = makeAxis(metric, [0, 100], { range: [0, 200], count: 4 });
  it("keeps the value under the pointer", () => {
    const closer = makeAxis(metric, zoomDomain(axis, 2, 50), { range: [0, 200], count: 4 });
    expect(closer.toValue(50)).toBeCloseTo(25);
    expect(closer.domain[1] - closer.domain[0]).toBeCloseTo(50);
  });
  it("moves the content with the pointer", () => expect(panDomain(axis, 20)).toEqual([-10, 90]));
  it("zooms a log axis by ratio", () => {
    const log = makeAxis(metric, [1, 10_000], { log: true, range: [0, 100], count: 4 });
    const [low, high] = zoomDomain(log, 2, 50);
    expect(low).toBeCloseTo(10);
    expect(high).toBeCloseTo(1000);
  });
});
