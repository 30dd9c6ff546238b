import { describe, expect, it } from "vitest";
import { aroundWindow, pagesOf, revealed, TALLEST, windowAt } from "./window";

describe("windowAt", () => {
  it("is exact for a list that fits", () => {
    expect(windowAt(100, 40, 85, 200)).toEqual({ height: 4000, first: 2, offset: 80, count: 6 });
    expect(windowAt(3, 40, 0, 200).count).toBe(3);
    expect(windowAt(0, 40, 0, 200).count).toBe(0);
  });
  it("reaches the last of a million rows", () => {
    const end = windowAt(1_000_000, 40, TALLEST - 400, 400);
    expect(end.height).toBe(TALLEST);
    expect(end.first + end.count).toBe(1_000_000);
    expect(windowAt(1_000_000, 40, 0, 400).first).toBe(0);
  });
  it("knows the pages of rows", () => {
    expect(pagesOf(55, 10, 60)).toEqual([0, 1]);
    expect(pagesOf(60, 0, 60)).toEqual([]);
  });
});

describe("revealed", () => {
  const list = { total: 100, row: 40, view: 200 };

  it("stays where the row is in view", () => {
    expect(revealed(2, { ...list, top: 40 })).toBe(40);
    expect(revealed(1, { ...list, top: 40 })).toBe(40);
    expect(revealed(5, { ...list, top: 40 })).toBe(40);
  });
  it("scrolls as little as shows it", () => {
    expect(revealed(0, { ...list, top: 40 })).toBe(0);
    // its end at the end of the view: 7 × 40 − 200
    expect(revealed(6, { ...list, top: 40 })).toBe(80);
  });
  it("does not scroll a list that fits", () => {
    expect(revealed(2, { total: 3, row: 40, view: 200, top: 0 })).toBe(0);
  });
  it.each([0, 1, 499_999, 777_777, 999_998, 999_999])("shows row %i of a million", (row) => {
    for (const from of [0, 3_000_000, TALLEST - 400]) {
      const top = revealed(row, { total: 1_000_000, row: 40, view: 400, top: from });
      const { first, count, offset } = windowAt(1_000_000, 40, top, 400);
      expect(row).toBeGreaterThanOrEqual(first);
      expect(row).toBeLessThan(first + count);
      // and whole, but for what a pixel of the scroll bar is
      const y = offset + (row - first) * 40 - top;
      expect(y).toBeGreaterThan(-1);
      expect(y + 40).toBeLessThan(401);
    }
  });
});

describe("aroundWindow", () => {
  it("draws the rows in view and a few around them", () => {
    expect(aroundWindow({ count: 1000, row: 24, top: 2400, view: 240 })).toEqual({ from: 92, to: 119 });
  });
  it("ends where the list does", () => {
    expect(aroundWindow({ count: 5, row: 24, top: 0, view: 240 })).toEqual({ from: 0, to: 5 });
    expect(aroundWindow({ count: 0, row: 24, top: 0, view: 240 })).toEqual({ from: 0, to: 0 });
    expect(aroundWindow({ count: 1000, row: 24, top: 24_000 - 240, view: 240 })).toEqual({ from: 982, to: 1000 });
  });
});
