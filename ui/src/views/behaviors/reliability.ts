/** The geometry of a reliability diagram: how often a model is right, of what it says it is sure of. */
import type { CalibrationRow } from "@/api/behaviors";

export interface Column {
  x: number;
  width: number;
  /** Top and height of the bar that reaches to the accuracy. */
  top: number;
  height: number;
  /** Where the diagonal of perfect calibration would be, at the mean confidence. */
  expected: number;
  row: CalibrationRow;
}

/** Bars in a square of a size; empty bins have none. */
export function columns(rows: readonly CalibrationRow[], size: number): Column[] {
  return rows
    .filter((row) => row.count > 0 && row.accuracy !== null && row.confidence !== null)
    .map((row) => ({
      x: row.low * size + 0.5,
      width: Math.max(1, (row.high - row.low) * size - 1),
      top: (1 - row.accuracy!) * size,
      height: row.accuracy! * size,
      expected: (1 - row.confidence!) * size,
      row,
    }));
}

/** In words, what the error says: whether confidence is too high or too low, over all instances. */
export function leaning(rows: readonly CalibrationRow[]): "over" | "under" | "neither" {
  let [total, gap] = [0, 0];
  for (const { count, accuracy, confidence } of rows) {
    if (count === 0 || accuracy === null || confidence === null) continue;
    total += count;
    gap += count * (confidence - accuracy);
  }
  const mean = total === 0 ? 0 : gap / total;
  return mean > 0.005 ? "over" : mean < -0.005 ? "under" : "neither";
}
