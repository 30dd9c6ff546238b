/** The change of a confusion matrix, as it is drawn. */
import type { Cell, ConfusionRow } from "@/api/behaviors";
import { word } from "./filters";
import { largest } from "./scale";

export interface Confusion {
  /** All labels and predictions, in order. */
  readonly names: readonly Cell[];
  /** The largest change of a cell, either way. */
  readonly most: number;
  cell(label: Cell, prediction: Cell): ConfusionRow | undefined;
}

const key = (value: unknown): string => JSON.stringify(value);

function compare(a: Cell, b: Cell): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return word(a).localeCompare(word(b), "en", { numeric: true });
}

export function confusionOf(rows: readonly ConfusionRow[]): Confusion {
  const values = rows.flatMap(({ label, prediction }) => [label, prediction]);
  const at = new Map(rows.map((row) => [key([row.label, row.prediction]), row]));
  return {
    names: [...new Map(values.map((value) => [key(value), value])).values()].sort(compare),
    most: largest(rows.map(({ change }) => change)),
    cell: (label, prediction) => at.get(key([label, prediction])),
  };
}
