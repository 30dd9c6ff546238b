import { describe, expect, it } from "vitest";
import { chartable, layoutBands, layoutBars, slotsOf, summarize, type Selection } from "./bars";

const pruned: Selection = {
  variables: [
    { name: "amount", kind: "parameter", values: [0.5, 0.75, 0.9] },
    { name: "train 2", kind: "presence", values: [false, true] },
  ],
  rows: { a: [0.5, false], b: [0.5, true], c: [0.75, false], d: [0.75, true], e: [0.9, false], f: [0.9, true] },
};
const ids = ["f", "e", "d", "c", "b", "a"];

describe("layoutBars", () => {
  it("puts every model of a grid in its own cell, in the order of the values", () => {
    const layout = layoutBars(pruned, { x: "amount", color: "train 2", facet: null }, ids);
    expect(layout.xs).toEqual([0.5, 0.75, 0.9]);
    expect(layout.colors).toEqual([false, true]);
    expect(layout.facets).toEqual([null]);
    expect(layout.cells.map((cell) => cell.ids.join())).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(layout.unencoded).toEqual([]);
  });

  it("says which variable a chart of one encoding leaves out", () => {
    const layout = layoutBars(pruned, { x: "amount", color: null, facet: null }, ids);
    expect(layout.cells.map((cell) => cell.ids.length)).toEqual([2, 2, 2]);
    expect(layout.unencoded).toEqual(["train 2"]);
    expect(chartable(pruned, layout, 6)).toMatchObject({ ok: false });
  });

  it("shows only values in use, and the models where a variable does not apply first", () => {
    const selection: Selection = {
      variables: [{ name: "amount", kind: "parameter", values: [0.5, 0.75] }],
      rows: { base: [null], a: [0.5] },
    };
    const layout = layoutBars(selection, { x: "amount", color: null, facet: null }, ["a", "base"]);
    expect(layout.xs).toEqual([null, 0.5]);
    expect(layout.cells.map((cell) => cell.ids[0])).toEqual(["base", "a"]);
  });

  it("keeps replicates together without calling them different", () => {
    const selection: Selection = {
      variables: [{ name: "amount", kind: "parameter", values: [0.5, 0.9] }],
      rows: { s1: [0.5], s2: [0.5], t: [0.9] },
    };
    const layout = layoutBars(selection, { x: "amount", color: null, facet: null }, ["s1", "s2", "t"]);
    expect(layout.cells.map((cell) => cell.ids)).toEqual([["s1", "s2"], ["t"]]);
    expect(chartable(selection, layout, 3).ok).toBe(true);
  });

  it("falls back to a table beyond thirty models", () => {
    const layout = layoutBars(pruned, { x: "amount", color: "train 2", facet: null }, ids);
    expect(chartable(pruned, layout, 31).ok).toBe(false);
  });
});

describe("summarize", () => {
  it("takes the mean and range of what is finite", () => {
    expect(summarize([1, null, 3, Number.NaN, 5])).toEqual({ mean: 3, low: 1, high: 5, count: 3 });
  });
  it("has no mean without numbers", () => expect(summarize([null, Infinity]).mean).toBeNull());
});

describe("layoutBands", () => {
  it("keeps groups inside their bands and bars apart", () => {
    for (const [width, groups, bars] of [
      [300, 3, 2],
      [80, 6, 3],
      [900, 2, 1],
    ] as const) {
      const colors = Array.from({ length: bars }, (_, i) => i);
      const layout = layoutBands(
        width,
        Array.from({ length: groups }, () => colors),
      );
      const band = width / groups;
      const half = layout.barWidth / 2;
      for (let x = 0; x < groups; x++) {
        expect(layout.center(x, 0) - half).toBeGreaterThanOrEqual(x * band - 1e-9);
        expect(layout.center(x, bars - 1) + half).toBeLessThanOrEqual((x + 1) * band + 1e-9);
      }
      expect(layout.barStep).toBeGreaterThanOrEqual(layout.barWidth);
      expect(layout.barWidth).toBeLessThanOrEqual(28);
    }
  });
  it("gives no room to colors that are not there", () => {
    const selection: Selection = {
      variables: [
        { name: "amount", kind: "parameter", values: [null, 0.5] },
        { name: "operation", kind: "operation", values: [null, "a", "b"] },
      ],
      rows: { base: [null, null], x: [0.5, "a"], y: [0.5, "b"] },
    };
    const slots = slotsOf(layoutBars(selection, { x: "amount", color: "operation", facet: null }, ["base", "x", "y"]));
    expect(slots).toEqual([[0], [1, 2]]);
    const bands = layoutBands(200, slots);
    expect(bands.center(0, 0)).toBe(50);
    expect((bands.center(1, 1) + bands.center(1, 2)) / 2).toBe(150);
    expect(bands.center(0, 2)).toBeNaN();
  });
});
