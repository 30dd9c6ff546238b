import { describe, expect, it } from "vitest";
import { filterMask, isUnfiltered, NO_FILTERS, type Filters } from "./filters";
import { metric, testTable } from "./testing";

const table = testTable(
  [
    { id: "cnn", operation: "train", parameters: { epochs: 3 }, values: [0.9] },
    { id: "half", base: "cnn", operation: "prune", parameters: { amount: 0.5 }, tags: ["Good"], values: [0.8] },
    { id: "most", base: "cnn", operation: "prune", parameters: { amount: 0.9 }, tags: ["bad"], values: [null] },
    { id: "int8", base: "cnn", operation: "quantize", parameters: { bits: 8, scheme: "symmetric" }, values: [NaN] },
  ],
  [metric("m")],
);

function kept(filters: Partial<Filters>): string[] {
  const mask = filterMask(table, { ...NO_FILTERS, ...filters });
  return table.ids.filter((_, i) => mask[i]);
}

describe("filterMask", () => {
  it("keeps all by default", () => {
    expect(kept({})).toEqual(table.ids);
    expect(isUnfiltered(NO_FILTERS)).toBe(true);
    expect(isUnfiltered({ ...NO_FILTERS, ids: [] })).toBe(false);
  });

  it("keeps an interval with its ends, and nothing without a number", () => {
    expect(kept({ metrics: { m: [0.8, 0.9] } })).toEqual(["cnn", "half"]);
    expect(kept({ metrics: { m: [-Infinity, Infinity] } })).toEqual(["cnn", "half"]);
  });

  it("asks only models of the operation for its parameters", () => {
    expect(kept({ parameters: { "prune.amount": ["0.9"] } })).toEqual(["cnn", "most", "int8"]);
  });

  it("combines all conditions", () => {
    expect(kept({ operations: ["prune", "quantize"], tags: ["Good"] })).toEqual(["half"]);
    expect(kept({ operations: ["prune"], ids: ["int8"] })).toEqual([]);
  });

  it("searches ids, tags, operations and parameters for every word", () => {
    expect(kept({ search: "good" })).toEqual(["half"]);
    expect(kept({ search: "PRUNE 0.9" })).toEqual(["most"]);
    expect(kept({ search: "scheme=sym" })).toEqual(["int8"]);
    expect(kept({ search: "  " })).toEqual(table.ids);
  });
});
