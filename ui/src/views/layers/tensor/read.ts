/** What is said about the cell under the pointer. */
import type { Place, Shown, Tensor, Tile, TileColumn } from "@/api/tensors";
import { SIDE } from "@/api/tensors";
import { plain } from "@/format";
import { indexOf } from "./frame";

export interface Reading {
  /** Index of the number, or the ranges of a cell. */
  where: string;
  /** Names and texts. */
  parts: (readonly [string, string])[];
}

const MASKS = ["zero in both", "zero only here", "zero only in the base"] as const;

export function reading(
  facts: Tensor,
  place: Place,
  tile: Tile | null,
  at: { row: number; column: number },
  show: Shown,
): Reading {
  const [high, wide] = [2 ** place.row_level, 2 ** place.column_level];
  const single = high === 1 && wide === 1;
  const row = Math.floor(at.row / high) * high;
  const column = Math.floor(at.column / wide) * wide;
  const range = (first: number, step: number, end: number): string =>
    step === 1 ? String(first) : `${first}–${Math.min(first + step, end) - 1}`;
  const where = single
    ? `[${indexOf(facts.shape, row, column).join(", ")}]`
    : `channels ${range(row, high, facts.rows)}, columns ${range(column, wide, facts.columns)}`;
  if (!tile) return { where, parts: [] };
  const cell =
    Math.floor(row / high - place.row * SIDE) * tile.columns + Math.floor(column / wide - place.column * SIDE);
  const number = (name: TileColumn): number => tile.cells.get(name)?.[cell] ?? NaN;
  return { where, parts: show === "mask" ? masks(number, single) : numbers(number, single, show) };
}

function numbers(number: (name: TileColumn) => number, single: boolean, show: Shown): (readonly [string, string])[] {
  const text = (name: TileColumn): string => plain(number(name));
  const own: (readonly [string, string])[] = single
    ? [[show, text("mean")]]
    : [
        ["mean", text("mean")],
        ["furthest from zero", text("peak")],
      ];
  if (show !== "change") return own;
  return [
    ...own,
    [single ? "here" : "mean here", text("model")],
    [single ? "in the base" : "mean in the base", text("base")],
  ];
}

function masks(number: (name: TileColumn) => number, single: boolean): (readonly [string, string])[] {
  const shares = (["zero_both", "zero_model_only", "zero_base_only"] as const).map(number);
  if (single) {
    const at = shares.findIndex((share) => share > 0);
    return [["", at < 0 ? "not zero" : MASKS[at]!]];
  }
  return MASKS.map((name, k) => [name, `${Math.round(1000 * shares[k]!) / 10}%`] as const);
}
