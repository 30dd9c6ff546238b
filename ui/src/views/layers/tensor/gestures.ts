/** What dragging, walking and pointing over the heat map mean: frames and cells from pixels and keys. */
import { ticks } from "@/charts/ticks";
import type { Place } from "@/api/tensors";
import { coverOf, moved, type Frame, type Matrix, type Size } from "./frame";

export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** A rectangle that was dragged, in pixels of the canvas; its corners in any order. */
export interface Brush {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** A drag that is shorter is a click. */
const CLICK = 4;

/** The place in the matrix, in numbers and parts of them, that a pixel of the canvas shows. */
export function placeOf(pixel: { x: number; y: number }, frame: Frame, { width, height }: Size): Cell {
  return {
    row: frame.row + (pixel.y / height) * frame.rows,
    column: frame.column + (pixel.x / width) * frame.columns,
  };
}

/** The number at a place, or the nearest one of the matrix. */
export function cellAt(at: Cell, matrix: Matrix): Cell {
  return {
    row: Math.min(Math.max(0, Math.floor(at.row)), matrix.rows - 1),
    column: Math.min(Math.max(0, Math.floor(at.column)), matrix.columns - 1),
  };
}

/** The frame that a brush asks for; null where it was a click. */
export function brushed({ x0, y0, x1, y1 }: Brush, frame: Frame, size: Size): Frame | null {
  if (Math.abs(x1 - x0) < CLICK || Math.abs(y1 - y0) < CLICK) return null;
  const start = placeOf({ x: Math.min(x0, x1), y: Math.min(y0, y1) }, frame, size);
  return {
    ...start,
    rows: (Math.abs(y1 - y0) / size.height) * frame.rows,
    columns: (Math.abs(x1 - x0) / size.width) * frame.columns,
  };
}

/** A frame moved as far as shows a cell; null if it does already. */
export function showing({ row, column }: Cell, frame: Frame, matrix: Matrix): Frame | null {
  const down = row < frame.row ? row - frame.row : Math.max(0, row + 1 - frame.row - frame.rows);
  const across = column < frame.column ? column - frame.column : Math.max(0, column + 1 - frame.column - frame.columns);
  return down || across ? moved(frame, down, across, matrix) : null;
}

/** The tile that covers a cell. */
export function tileOver(cell: Cell, places: readonly Place[], matrix: Matrix): Place | undefined {
  return places.find((place) => {
    const { row, column, rows, columns } = coverOf(place, matrix);
    return cell.row >= row && cell.row < row + rows && cell.column >= column && cell.column < column + columns;
  });
}

/** Whole numbers for labels along a side, the last of which is before its end. */
export function counted(first: number, end: number, count: number): number[] {
  return ticks([first, end], count).filter((number) => Number.isInteger(number) && number >= 0 && number < end);
}
