import { describe, expect, it } from "vitest";
import { brushed, cellAt, counted, placeOf, showing, tileOver } from "./gestures";

const MATRIX = { rows: 100, columns: 200 };
const FRAME = { row: 20, column: 40, rows: 10, columns: 20 };
const SIZE = { width: 400, height: 100 };

describe("a place", () => {
  it("is where its pixel is in the frame", () => {
    expect(placeOf({ x: 0, y: 0 }, FRAME, SIZE)).toEqual({ row: 20, column: 40 });
    expect(placeOf({ x: 400, y: 100 }, FRAME, SIZE)).toEqual({ row: 30, column: 60 });
    expect(placeOf({ x: 100, y: 25 }, FRAME, SIZE)).toEqual({ row: 22.5, column: 45 });
  });
  it("is a number of the matrix, or the nearest one", () => {
    expect(cellAt({ row: 22.5, column: 45.9 }, MATRIX)).toEqual({ row: 22, column: 45 });
    expect(cellAt({ row: -3, column: 999 }, MATRIX)).toEqual({ row: 0, column: 199 });
    expect(cellAt({ row: 100, column: 200 }, MATRIX)).toEqual({ row: 99, column: 199 });
  });
});

describe("a brush", () => {
  it("is the frame below it, from whichever corner it was dragged", () => {
    // a quarter of the width and half of the height, from the middle
    const wanted = { row: 25, column: 50, rows: 5, columns: 5 };
    expect(brushed({ x0: 200, y0: 50, x1: 300, y1: 100 }, FRAME, SIZE)).toEqual(wanted);
    expect(brushed({ x0: 300, y0: 100, x1: 200, y1: 50 }, FRAME, SIZE)).toEqual(wanted);
    expect(brushed({ x0: 300, y0: 50, x1: 200, y1: 100 }, FRAME, SIZE)).toEqual(wanted);
  });
  it("is a click where it is short, in one direction or both", () => {
    expect(brushed({ x0: 10, y0: 10, x1: 10, y1: 10 }, FRAME, SIZE)).toBeNull();
    expect(brushed({ x0: 10, y0: 10, x1: 200, y1: 13 }, FRAME, SIZE)).toBeNull();
    expect(brushed({ x0: 10, y0: 10, x1: 13, y1: 90 }, FRAME, SIZE)).toBeNull();
  });
});

describe("a cell that is walked to", () => {
  it("moves nothing while it is in view", () => {
    expect(showing({ row: 20, column: 40 }, FRAME, MATRIX)).toBeNull();
    expect(showing({ row: 29, column: 59 }, FRAME, MATRIX)).toBeNull();
  });
  it("moves the frame as little as shows it", () => {
    expect(showing({ row: 19, column: 50 }, FRAME, MATRIX)).toEqual({ ...FRAME, row: 19 });
    expect(showing({ row: 30, column: 50 }, FRAME, MATRIX)).toEqual({ ...FRAME, row: 21 });
    expect(showing({ row: 25, column: 62 }, FRAME, MATRIX)).toEqual({ ...FRAME, column: 43 });
    expect(showing({ row: 5, column: 5 }, FRAME, MATRIX)).toEqual({ ...FRAME, row: 5, column: 5 });
  });
});

describe("a tile", () => {
  const places = [
    { row_level: 0, column_level: 0, row: 0, column: 0 },
    { row_level: 0, column_level: 0, row: 0, column: 1 },
  ];
  const wide = { rows: 100, columns: 300 };

  it("is the one whose side of 256 numbers the cell is in", () => {
    expect(tileOver({ row: 0, column: 0 }, places, wide)).toBe(places[0]);
    expect(tileOver({ row: 99, column: 255 }, places, wide)).toBe(places[0]);
    expect(tileOver({ row: 0, column: 256 }, places, wide)).toBe(places[1]);
    expect(tileOver({ row: 0, column: 300 }, places, wide)).toBeUndefined();
  });
  it("covers more numbers at a higher level", () => {
    const coarse = [{ row_level: 1, column_level: 1, row: 0, column: 0 }];
    expect(tileOver({ row: 99, column: 299 }, coarse, wide)).toBe(coarse[0]);
  });
});

describe("labels along a side", () => {
  it("are whole, and of numbers that are there", () => {
    expect(counted(0, 4, 8)).toEqual([0, 1, 2, 3]);
    expect(counted(10.4, 30, 2)).toEqual([20]);
    expect(counted(-5, 10, 3).every((number) => number >= 0 && number < 10)).toBe(true);
  });
});
