import { describe, expect, it } from "vitest";
import { metric } from "@/state/testing";
import { intervalOf } from "./interval";

describe("intervalOf", () => {
  it("spans 1.96 standard errors to either side", () => {
    expect(intervalOf(metric("m"), 10, 2)).toEqual([10 - 3.92, 10 + 3.92]);
  });

  it("ends where the metric ends", () => {
    const share = metric("share", { min: 0, max: 1 });
    expect(intervalOf(share, 0.99, 0.01)).toEqual([0.99 - 0.0196, 1]);
    expect(intervalOf(share, 0.01, 0.01)).toEqual([0, 0.01 + 0.0196]);
  });

  it("is none without an error", () => {
    expect(intervalOf(metric("m"), 10, null)).toBeNull();
    expect(intervalOf(metric("m"), 10, 0)).toBeNull();
  });
});
