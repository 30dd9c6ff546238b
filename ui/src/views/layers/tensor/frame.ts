/** The part of a matrix that is in view, and which tiles show it. Places are in numbers: rows and columns. */
import { SIDE, type Place } from "@/api/tensors";

export interface Frame {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

/** Cells are at least this many pixels wide and high where the matrix has more numbers than there is room for. */
export const CELL = 2;
/** Fewer numbers than these are not looked at. */
const LEAST = 4;

export function whole({ rows, columns }: Matrix): Frame {
  return { row: 0, column: 0, rows: Math.max(rows, 1), columns: Math.max(columns, 1) };
}

/** How many numbers a cell stands for along a side, as a power of two. */
export function levelFor(numbers: number, pixels: number): number {
  return Math.max(0, Math.ceil(Math.log2((CELL * numbers) / Math.max(pixels, 1)) - 1e-9));
}

/** The frame inside the matrix, and not smaller than a few numbers. */
export function within(frame: Frame, matrix: Matrix): Frame {
  const rows = Math.min(Math.max(frame.rows, Math.min(LEAST, matrix.rows)), Math.max(matrix.rows, 1));
  const columns = Math.min(Math.max(frame.columns, Math.min(LEAST, matrix.columns)), Math.max(matrix.columns, 1));
  return {
    rows,
    columns,
    row: Math.min(Math.max(frame.row, 0), Math.max(0, matrix.rows - rows)),
    column: Math.min(Math.max(frame.column, 0), Math.max(0, matrix.columns - columns)),
  };
}

/** Closer by `factor` around a place, which stays where it is. */
export function zoomed(frame: Frame, factor: number, at: { row: number; column: number }, matrix: Matrix): Frame {
  const rows = frame.rows / factor;
  const columns = frame.columns / factor;
  // what cannot come closer does not move either
  const next = within({ rows, columns, row: 0, column: 0 }, matrix);
  const row = at.row - ((at.row - frame.row) * next.rows) / frame.rows;
  const column = at.column - ((at.column - frame.column) * next.columns) / frame.columns;
  return within({ ...next, row, column }, matrix);
}

export function moved(frame: Frame, rows: number, columns: number, matrix: Matrix): Frame {
  return within({ ...frame, row: frame.row + rows, column: frame.column + columns }, matrix);
}

/** The tiles that show a frame on a canvas. */
export function tilesFor(frame: Frame, { width, height }: Size): Place[] {
  const [row_level, column_level] = [levelFor(frame.rows, height), levelFor(frame.columns, width)];
  const [high, wide] = [SIDE * 2 ** row_level, SIDE * 2 ** column_level];
  const places = [];
  for (let row = Math.floor(frame.row / high); row * high < frame.row + frame.rows; row++) {
    for (let column = Math.floor(frame.column / wide); column * wide < frame.column + frame.columns; column++) {
      places.push({ row_level, column_level, row, column });
    }
  }
  return places;
}

/** The numbers that a tile covers. */
export function coverOf({ row_level, column_level, row, column }: Place, matrix: Matrix): Frame {
  const [high, wide] = [SIDE * 2 ** row_level, SIDE * 2 ** column_level];
  return {
    row: row * high,
    column: column * wide,
    rows: Math.min(high, matrix.rows - row * high),
    columns: Math.min(wide, matrix.columns - column * wide),
  };
}

/** Index of a number in its tensor, e.g. `[3, 0, 1, 2]`. */
export function indexOf(shape: readonly number[], row: number, column: number): number[] {
  if (shape.length === 0) return [];
  const index = [];
  for (let left = column, k = shape.length - 1; k > 0; k--) {
    index.unshift(left % shape[k]!);
    left = Math.floor(left / shape[k]!);
  }
  return [row, ...index];
}

/** As the address keeps it: four numbers; null for all. */
export function writeFrame({ row, column, rows, columns }: Frame): string {
  return [row, column, rows, columns].map((number) => String(Math.round(number * 100) / 100)).join("~");
}

export function readFrame(text: string | null): Frame | null {
  const parts = (text ?? "").split("~").map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isFinite(part) && part >= 0)) return null;
  const [row, column, rows, columns] = parts as [number, number, number, number];
  return rows > 0 && columns > 0 ? { row, column, rows, columns } : null;
}
