/** The interval of a measured value. */
import type { MetricLike } from "@/format";
import { clampTo, type Extent } from "./domain";

/** Standard errors that a normal 95% interval spans to either side. */
const Z95 = 1.96;

/** The 95% interval of a value, no further than the metric can go; null without a standard error, or one of zero. */
export function intervalOf(metric: MetricLike, value: number, error: number | null): Extent | null {
  return error ? clampTo(metric, [value - Z95 * error, value + Z95 * error]) : null;
}
