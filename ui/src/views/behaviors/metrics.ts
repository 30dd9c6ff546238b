/** The per-instance metrics that the server knows by name: what they are called, and how they are written. */
import { INSTANCE_METRICS } from "@/api/vocabulary.gen";
import type { MetricLike } from "@/format";

interface Known {
  readonly title: string;
  readonly format: string;
  readonly unit: string;
  readonly min: number | null;
  readonly max: number | null;
  /** It compares with the base already: relative to base is the same. */
  readonly againstBase: boolean;
  /** It is 0 or 1 and says no more than right or wrong. */
  readonly yesNo: boolean;
}

const KNOWN: Readonly<Record<string, Known>> = INSTANCE_METRICS;

/** How a metric of the server is written: as the project defines it, else as it is known. */
export function metricOf(
  name: string,
  higherIsBetter: boolean | null,
  defined: readonly MetricLike[] = [],
): MetricLike {
  const known = KNOWN[name];
  const declared = known ? undefined : defined.find((metric) => metric.name === name);
  if (declared) return declared;
  return {
    name: known?.title ?? name,
    unit: known?.unit ?? "",
    format: known?.format ?? "",
    higher_is_better: higherIsBetter,
    min: known?.min ?? null,
    max: known?.max ?? null,
  };
}

export function titleOf(name: string): string {
  return KNOWN[name]?.title ?? name;
}

/** Whether a metric compares with the base by itself. */
export function isAgainstBase(name: string): boolean {
  return KNOWN[name]?.againstBase ?? false;
}

/** Whether a value is 0 or 1 and says no more than right or wrong. */
export function isYesNo(name: string): boolean {
  return KNOWN[name]?.yesNo ?? false;
}
