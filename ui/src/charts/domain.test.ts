import { describe, expect, it } from "vitest";
import type { MetricLike } from "../format";
import { finiteExtent, isSkewed, padLinear, padLog, valueAxis } from "./domain";

const metric: MetricLike = { name: "m", unit: "", format: "", higher_is_better: null, min: null, max: null };
const accuracy: MetricLike = { ...metric, format: ".1%", min: 0, max: 1 };

describe("extents", () => {
  it("skip what is not finite", () => {
    expect(finiteExtent([3, Number.NaN, -1, Infinity])).toEqual([-1, 3]);
    expect(finiteExtent([-1, 0, 2, 5], true)).toEqual([2, 5]);
    expect(finiteExtent([Number.NaN])).toBeNull();
  });
  it("are padded by span or by ratio", () => {
    expect(padLinear([0, 10], 0.1)).toEqual([-1, 11]);
    expect(padLinear([5, 5], 0.1)).toEqual([4.95, 5.05]);
    const [low, high] = padLog([1, 100], 0.5);
    expect(low).toBeCloseTo(0.1);
    expect(high).toBeCloseTo(1000);
  });
});

describe("valueAxis", () => {
  it("starts bars at zero", () => expect(valueAxis(accuracy, [0.1, 0.8])).toEqual({ mark: "bar", domain: [0, 0.8] }));
  it("draws bars both ways around zero", () => expect(valueAxis(metric, [-2, 3]).domain).toEqual([-2, 3]));
  it("takes points on a cut axis where lengths would look alike, inside the metric's range", () => {
    const axis = valueAxis(accuracy, [0.97, 0.98, 0.999]);
    expect(axis.mark).toBe("dot");
    expect(axis.domain[0]).toBeGreaterThan(0.9);
    expect(axis.domain[1]).toBeLessThanOrEqual(1);
  });
  it("keeps bars for equal values", () =>
    expect(valueAxis(accuracy, [0.5, 0.5])).toEqual({ mark: "bar", domain: [0, 0.5] }));
  it("has a domain without any value", () => expect(valueAxis(metric, []).domain).toEqual([0, 1]));
  it("has a domain for zeros", () => expect(valueAxis(metric, [0, 0]).domain).toEqual([0, 1]));
});

it("finds skewed metrics", () => {
  expect(isSkewed([1, 2, 3, 1000])).toBe(true);
  expect(isSkewed([1, 250, 700, 1000])).toBe(false);
  expect(isSkewed([0, 2, 3, 1000])).toBe(false);
});
