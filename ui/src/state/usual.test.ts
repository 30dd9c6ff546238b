import { describe, expect, it } from "vitest";
import { measuredMetrics } from "@/widgets/facts";
import { metric, testTable } from "./testing";
import { usualMetrics } from "./usual";

const table = testTable(
  [
    { id: "a", values: [0.9, 0.9, null, 1] },
    { id: "b", values: [null, 0.8, null, 2] },
    { id: "c", values: [null, 0.7, null, null] },
    { id: "d", values: [null, null, 5, 3] },
  ],
  [
    metric("rare", { higher_is_better: true }),
    metric("top1", { higher_is_better: true }),
    metric("bytes", { unit: "B", higher_is_better: false }),
    metric("latency", { unit: "ms", higher_is_better: false }),
  ],
);

describe("the metrics that the views begin with", () => {
  it("are those that many models have together", () => {
    expect(usualMetrics(table)).toEqual(["top1", "latency"]);
  });
});

describe("the metrics of some models", () => {
  it("are those that any of them was measured by", () => {
    expect(measuredMetrics(table, [2]).map(({ name }) => name)).toEqual(["top1"]);
    expect(measuredMetrics(table, [2, 3]).map(({ name }) => name)).toEqual(["top1", "bytes", "latency"]);
  });
});
