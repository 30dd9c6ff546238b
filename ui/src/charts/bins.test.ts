import { describe, expect, it } from "vitest";
import { binAt, countBins, makeBins } from "./bins";

describe("makeBins", () => {
  it("has round edges and counts each value once, the last edge included", () => {
    const { edges, counts, binOf } = makeBins([0, 0.05, 0.1, 0.95, 1, Number.NaN], [0, 1], false, 10);
    expect(edges).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(counts).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect([...binOf]).toEqual([0, 0, 1, 9, 9, -1]);
  });
  it("has equal ratios on a log scale", () => {
    const { edges, counts } = makeBins([1, 10, 50, 100], [1, 100], true, 2);
    expect(edges.map((edge) => Math.round(edge))).toEqual([1, 10, 100]);
    expect(counts).toEqual([1, 3]);
  });
  it("counts what passes a mask", () => {
    const { binOf } = makeBins([1, 1, 9], [0, 10], false, 2);
    expect(countBins(binOf, 2, Uint8Array.from([0, 1, 1]))).toEqual([1, 1]);
  });
  it("gives one value a bin of its own", () => expect(makeBins([3, 3], [3, 3]).counts).toEqual([2]));
  it("finds bins", () => expect([0, 0.99, 1, 2].map((value) => binAt([0, 1, 2], value))).toEqual([0, 0, 1, 1]));
});
