/** The geometry of a reliability diagram: how often a model is right, of what it says it is sure of. */
import type { CalibrationRow } from "@/api/behaviors";
import { formatInterval, leaders, listWords, orderOf, Z95, type MetricLike, type Reading } from "@/format";

export interface Column {
  x: number;
  width: number;
  /** Top and height of the bar that reaches to the accuracy. */
  top: number;
  height: number;
  /** Where the diagonal of perfect calibration would be, at the mean confidence. */
  expected: number;
  /** The 95% interval of the accuracy, as tops. */
  interval: readonly [high: number, low: number];
  row: CalibrationRow;
}

export interface Frequency {
  x: number;
  width: number;
  height: number;
  count: number;
}

/** The upper and the lower end of Wilson's 95% interval of a share. */
function wilson(share: number, count: number): [number, number] {
  const z = Z95 ** 2 / count;
  const half = Z95 * Math.sqrt((share * (1 - share)) / count + z / (4 * count));
  return [1, -1].map((sign) => Math.min(1, Math.max(0, (share + z / 2 + sign * half) / (1 + z)))) as [number, number];
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
      interval: wilson(row.accuracy!, row.count).map((share) => (1 - share) * size) as [number, number],
      row,
    }));
}

/** Bins with examples; what is counted is what they say. */
function filled(rows: readonly CalibrationRow[]): { count: number; accuracy: number; confidence: number }[] {
  return rows.flatMap(({ count, accuracy, confidence }) =>
    count > 0 && accuracy !== null && confidence !== null ? [{ count, accuracy, confidence }] : [],
  );
}

/** The variance of an accuracy over some examples, never zero: that of one success and one failure more. */
function variance({ count, accuracy }: { count: number; accuracy: number }): number {
  const smoothed = (count * accuracy + 1) / (count + 2);
  return (smoothed * (1 - smoothed)) / count;
}

/** The expected calibration error is a number from 0 to 1, and no percentage of anything. */
export const CALIBRATION_ERROR: MetricLike = {
  name: "expected calibration error",
  unit: "",
  format: ".3f",
  higher_is_better: false,
  min: 0,
  max: 1,
};

/** The expected calibration error with its standard error, the confidence of each bin being given. */
export function calibrationError(rows: readonly CalibrationRow[]): Reading | null {
  const bins = filled(rows);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  const value = bins.reduce((sum, bin) => sum + (bin.count / total) * Math.abs(bin.accuracy - bin.confidence), 0);
  const error = Math.sqrt(bins.reduce((sum, bin) => sum + (bin.count / total) ** 2 * variance(bin), 0));
  return { value, error };
}

/** Whether confidence is too high or too low over all instances, by more than the 95% interval of the accuracy. */
export function leaning(rows: readonly CalibrationRow[]): "over" | "under" | "neither" {
  const bins = filled(rows);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return "neither";
  const mean = (of: "accuracy" | "confidence"): number =>
    bins.reduce((sum, bin) => sum + (bin.count / total) * bin[of], 0);
  const accuracy = { value: mean("accuracy"), error: calibrationError(rows)!.error };
  const order = orderOf(CALIBRATION_ERROR, { value: mean("confidence") }, accuracy);
  return order === "tie" ? "neither" : order === "above" ? "over" : "under";
}

/** An expected calibration error with its 95% interval. */
export function errorWords(reading: Reading): string {
  const [low, high] = [-1, 1].map((sign) => Math.max(0, reading.value + sign * Z95 * (reading.error ?? 0)));
  return formatInterval(CALIBRATION_ERROR, reading.value, low!, high!);
}

/** Which models are worst calibrated, in a sentence; where several tie, none is called the worst. */
export function calibrationSentence(models: readonly string[], errors: readonly (Reading | null)[]): string {
  const worst = leaders(CALIBRATION_ERROR, errors, true).map((place) => ({ model: models[place]!, ...errors[place]! }));
  const [first] = worst;
  if (!first) return "";
  if (models.length === 1) return `Expected calibration error of ${first.model}: ${errorWords(first)}.`;
  if (worst.length === 1) return `${first.model} is worst calibrated: expected calibration error ${errorWords(first)}.`;
  if (worst.length === models.length) {
    return `${models.length === 2 ? "Both" : `All ${models.length}`} models tie in calibration.`;
  }
  const named = worst.slice(0, worst.length > 3 ? 2 : 3).map(({ model }) => model);
  if (worst.length > named.length) named.push(`${worst.length - named.length} more`);
  return `${listWords(named)} are worst calibrated, and tie.`;
}

/** How often each confidence occurs: heights of bars below the diagram, the fullest bin being whole. */
export function frequencies(rows: readonly CalibrationRow[], size: number, height: number): Frequency[] {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return rows
    .filter(({ count }) => count > 0)
    .map(({ low, high, count }) => ({
      x: low * size + 0.5,
      width: Math.max(1, (high - low) * size - 1),
      height: Math.max(1, (count / most) * height),
      count,
    }));
}
