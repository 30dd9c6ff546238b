import { describe, expect, it } from "vitest";
import { DEFAULT_COMPARING, readComparing, writeComparing, type Comparing } from "./comparing";

function again(comparing: Comparing): Comparing {
  const query = new URLSearchParams();
  writeComparing(query, comparing);
  return readComparing(new URLSearchParams(query.toString()));
}

describe("the address of a comparison", () => {
  it("is empty for the default", () => {
    const query = new URLSearchParams();
    writeComparing(query, DEFAULT_COMPARING);
    expect(query.toString()).toBe("");
    expect(readComparing(query)).toEqual(DEFAULT_COMPARING);
  });

  it("restores everything", () => {
    const comparing: Comparing = {
      chart: { x: "amount & more", color: null, facet: "train 2" },
      asTable: true,
      allMetrics: true,
      sort: { column: "m:Top-1 + 5%", descending: true },
      effectsMetric: "Größe 📦",
      frontierList: true,
    };
    expect(again(comparing)).toEqual(comparing);
    expect(again({ ...comparing, sort: { column: "id", descending: false } }).sort).toEqual({
      column: "id",
      descending: false,
    });
  });

  it("takes nonsense for the default", () => {
    for (const text of ["chart=1", "chart=[1]", "chart=[", "as=x", "all=2", "order=x", "order=-", "list=all"]) {
      expect(readComparing(new URLSearchParams(text))).toEqual(DEFAULT_COMPARING);
    }
    expect(readComparing(new URLSearchParams("chart=[1,null,{}]")).chart).toEqual({
      x: null,
      color: null,
      facet: null,
    });
  });
});
