import { describe, expect, it } from "vitest";
import { metric, testTable } from "./testing";
import { MISSING, NAN, NEGATIVE_INFINITY, NUMBER, POSITIVE_INFINITY, whyNoNumber } from "./table";

describe("buildTable", () => {
  const table = testTable(
    [
      { id: "leaf", base: "middle", values: [NaN] },
      { id: "root", values: [0] },
      { id: "middle", base: "root", teacher: "leaf", values: [null] },
      { id: "orphan", base: "nowhere", teacher: "nobody", values: [-Infinity] },
      { id: "second", base: "root", values: [Infinity] },
    ],
    [metric("m")],
  );

  it("finds bases, children and depths in any order of rows", () => {
    expect([...table.base]).toEqual([2, -1, 1, -1, 1]);
    expect(table.children).toEqual([[], [2, 4], [0], [], []]);
    expect(table.roots).toEqual([1, 3]);
    expect([...table.step]).toEqual([2, 0, 1, 0, 1]);
  });

  it("keeps why there is no number, and zero as a number", () => {
    expect([...table.status.get("m")!]).toEqual([NAN, NUMBER, MISSING, NEGATIVE_INFINITY, POSITIVE_INFINITY]);
    expect([...table.values.get("m")!]).toEqual([NaN, 0, NaN, NaN, NaN]);
    expect([0, 1, 2, 3, 4].map(whyNoNumber)).toEqual(["", "missing", "NaN", "+∞", "−∞"]);
  });

  it("resolves references and drops those to unknown models", () => {
    expect(table.references[2]).toEqual([{ role: "teacher", model: 0 }]);
    expect(table.references[3]).toEqual([]);
  });
});
