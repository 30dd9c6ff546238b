import { describe, expect, it } from "vitest";
import { binOf, histogram } from "./bins";

describe("histogram", () => {
  it("has round edges and counts each value once, the last edge included", () => {
    const { edges, counts } = histogram([0, 0.05, 0.1, 0.95, 1, Number.NaN], [0, 1], { bins: 10 });
    expect(edges).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(counts).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
  });
  it("has equal ratios on a log scale", () => {
    const { edges, counts } = histogram([1, 10, 50, 100, 0], [1, 100], { bins: 2, log: true });
    expect(edges.map((edge) => Math.round(edge))).toEqual([1, 10, 100]);
    expect(counts).toEqual([1, 3]);
  });
  it("counts what is kept beside what there is", () => {
    const { counts, kept } = histogram([1, 1, 9], [0, 10], { bins: 2, keep: (i) => i !== 0 });
    expect(counts).toEqual([2, 1]);
    expect(kept).toEqual([1, 1]);
  });
  it("gives one value a bin of its own", () => expect(histogram([3, 3], [3, 3]).counts).toEqual([2]));
  it("finds bins", () => expect([0, 0.99, 1, 2].map((value) => binOf([0, 1, 2], value))).toEqual([0, 0, 1, 1]));
});
