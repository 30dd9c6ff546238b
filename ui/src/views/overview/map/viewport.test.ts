import { describe, expect, it } from "vitest";
import { type Extent, fit, headingHeight, isSlanted, mix, pan, reveal, type Viewport, wrapped, zoom } from "./viewport";

const SMALL: Extent = { columns: 4, rows: 6, width: 700, height: 560, headings: ["train"], labels: 60, roots: 40 };
const LARGE: Extent = {
  columns: 12,
  rows: 10_000,
  width: 700,
  height: 560,
  headings: ["train"],
  labels: 90,
  roots: 40,
};

const corners = (view: Viewport, { columns, rows }: Extent): number[] => [
  view.tx,
  view.ty,
  view.tx + view.kx * (columns - 1),
  view.ty + view.ky * (rows - 1),
];

describe("fit", () => {
  it("shows everything, with room for headings and labels", () => {
    for (const extent of [SMALL, LARGE]) {
      const [left, top, right, bottom] = corners(fit(extent), extent);
      expect(left).toBeGreaterThanOrEqual(36);
      expect(top).toBeGreaterThanOrEqual(68);
      expect(right).toBeLessThanOrEqual(extent.width - 32);
      expect(bottom).toBeLessThanOrEqual(extent.height - 20);
    }
  });

  it("does not blow a single model up, and has a scale for no room at all", () => {
    const one = fit({ ...SMALL, columns: 1, rows: 1 });
    expect(one.tx).toBeGreaterThan(100);
    expect(fit({ ...LARGE, width: 0, height: 0 }).ky).toBeGreaterThan(0);
  });
});

describe("zoom", () => {
  it("keeps the point under the pointer", () => {
    const view = zoom(fit(LARGE), 8, [300, 300], LARGE);
    const before = fit(LARGE);
    expect((300 - view.ty) / view.ky).toBeCloseTo((300 - before.ty) / before.ky, 6);
  });

  it("makes rows readable first, then columns, and comes back to the whole", () => {
    let view = fit(LARGE);
    const kx = view.kx;
    for (let k = 0; k < 12; k++) view = zoom(view, 2, [300, 300], LARGE);
    expect(view.ky).toBe(72);
    expect(view.kx).toBeGreaterThan(kx);
    for (let k = 0; k < 40; k++) view = zoom(view, 0.5, [300, 300], LARGE);
    expect(view).toEqual(fit(LARGE));
  });
});

describe("pan and reveal", () => {
  it("never loses the paper", () => {
    const far = pan(fit(SMALL), 1e6, -1e6, SMALL);
    const [left, , , bottom] = corners(far, SMALL);
    expect(left).toBeLessThan(SMALL.width);
    expect(bottom).toBeGreaterThan(0);
  });

  it("moves only as far as needed", () => {
    const view = fit(SMALL);
    expect(reveal(view, 1, 2, SMALL)).toBe(view);
    const deep = zoom(zoom(fit(LARGE), 500, [300, 300], LARGE), 10, [300, 300], LARGE);
    const shown = reveal(deep, 0, 9_999, LARGE);
    expect(shown.ty + shown.ky * 9_999).toBeCloseTo(LARGE.height - 24, 0);
  });

  it("mixes two views", () => {
    expect(mix({ kx: 0, ky: 0, tx: 0, ty: 0 }, { kx: 2, ky: 4, tx: 6, ty: 8 }, 0.5)).toEqual({
      kx: 1,
      ky: 2,
      tx: 3,
      ty: 4,
    });
  });
});

describe("headings", () => {
  it("are slanted where one would not fit above its column, and have the room that the longest takes", () => {
    expect(isSlanted(120, ["train", "magnitude prune"])).toBe(false);
    expect(isSlanted(120, ["train", "structured-pruning-of-heads"])).toBe(true);
    expect(isSlanted(60, ["train"])).toBe(true);
    expect(headingHeight(60, ["x".repeat(30)])).toBeGreaterThan(headingHeight(60, ["x".repeat(15)]));
    expect(wrapped("weights and activations", 12)).toEqual(["weights and", "activations"]);
  });
});
