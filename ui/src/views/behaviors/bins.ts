/** The server's histograms as the brush draws them. */
import type { HistogramRow } from "@/api/behaviors";
import type { Bins } from "@/charts/bins";

const NONE = new Int16Array();

/** Edges and counts; where only the two ends are taken, as by right and wrong, two bins. */
export function binsOf(row: HistogramRow, together: readonly HistogramRow[]): Bins {
  const count = row.counts.length;
  if (isTwofold(together)) {
    const middle = (row.low + row.high) / 2;
    return { edges: [row.low, middle, row.high], counts: twofold(row.counts), binOf: NONE, log: false };
  }
  const step = (row.high - row.low) / count;
  const edges = row.counts.map((_, bin) => Number((row.low + bin * step).toPrecision(12)));
  return { edges: [...edges, row.high], counts: row.counts, binOf: NONE, log: false };
}

/** The counts that a filter leaves, in the bins of `binsOf`. */
export function countsOf(row: HistogramRow | undefined, together: readonly HistogramRow[]): readonly number[] {
  if (!row) return [];
  return isTwofold(together) ? twofold(row.counts) : row.counts;
}

function isTwofold(rows: readonly HistogramRow[]): boolean {
  return rows.every(({ counts }) => counts.length > 2 && counts.slice(1, -1).every((count) => count === 0));
}

const twofold = (counts: readonly number[]): number[] => [counts[0]!, counts[counts.length - 1]!];

/** What is in no bin, in words; empty if nothing. */
export function leftOut(row: HistogramRow): string {
  const parts: [number, string][] = [
    [row.missing, "missing"],
    [row.nan, "NaN"],
    [row.positive_infinity, "∞"],
    [row.negative_infinity, "−∞"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count.toLocaleString("en")} ${what}`)
    .join(", ");
}
