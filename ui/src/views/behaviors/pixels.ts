/** The intersection over union by class, over the pixels of all images, as rows of a table. */
import type { SegmentationRow } from "@/api/behaviors";
import { formatCount, formatDifferenceInterval, intervalDecimals, MISSING, plural } from "@/format";
import { groupsOf, type Group, type OfModel } from "./groups";
import { metricOf } from "./metrics";

export type PixelRow = OfModel & Pick<SegmentationRow, "ci_low" | "ci_high" | "lost" | "won">;

/** How the numbers are written. */
export const IOU = { ...metricOf("mean_iou", true), name: "IoU" };

/** The mean over the classes, and the classes in the order of the server. */
export function pixelClassesOf(rows: readonly SegmentationRow[]): {
  mean: Group<PixelRow> | null;
  classes: Group<PixelRow>[];
} {
  const each = groupsOf<PixelRow>(
    rows.map(({ class: group, num_pixels: count, iou: value, base_iou: base_value, ...row }) => ({
      ...row,
      group,
      count,
      value,
      base_value,
    })),
  );
  return {
    mean: each.find(({ value }) => value === null) ?? null,
    classes: each.filter(({ value }) => value !== null),
  };
}

/** How many decimals of percentage points the widest interval of a model's changes supports. */
export function decimalsOf(rows: readonly SegmentationRow[], model: string): number {
  const widths = rows.flatMap((row) =>
    row.model === model && row.ci_low !== null && row.ci_high !== null ? [row.ci_high - row.ci_low] : [],
  );
  return intervalDecimals((Math.max(0, ...widths) / 2) * 100);
}

/** A change with its interval; a dash where the class is in no image that both answered. */
export function changeOf({ difference, ci_low: low, ci_high: high }: PixelRow, decimals: number): string {
  return difference === null ? MISSING : formatDifferenceInterval(IOU, difference, low, high, decimals);
}

/** The pixels behind a change, in words. */
export function pixelsSaid({ lost, won }: PixelRow): string {
  return `${plural(lost, "pixel")} only the base has right, ${formatCount(won)} only the model`;
}
