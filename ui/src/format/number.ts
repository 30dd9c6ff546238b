import { format as d3format, formatSpecifier } from "d3-format";
import { isFraction, type MetricLike } from "./metric";

/** U+2212, as wide as a plus sign. */
export const MINUS = "\u2212";
/** Joins a number to its unit so that a line never breaks between them. */
export const NBSP = "\u00a0";
export const MISSING = "—";

/** Decimals that show `digits` significant digits of `value`, never negative. */
export function decimalsFor(value: number, digits = 3): number {
  if (value === 0 || !Number.isFinite(value)) return 0;
  return Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)) + 1e-12));
}

/** Fixed decimals with thousands separated and a real minus; trailing zeros dropped when `trim`. */
export function fixed(value: number, decimals: number, trim = false): string {
  return d3format(`,.${Math.min(decimals, 20)}${trim ? "~" : ""}f`)(value);
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function scientific(value: number): string {
  const [mantissa = "0", exponent = "0"] = value.toExponential(2).split("e");
  const power = Math.abs(Number(exponent));
  const raised = [...String(power)].map((digit) => SUPERSCRIPTS.charAt(Number(digit))).join("");
  const sign = Number(exponent) < 0 ? "⁻" : "";
  return `${String(Number(mantissa)).replace("-", MINUS)}×10${sign}${raised}`;
}

/** Three significant digits, thousands separated; whole numbers are never rounded away. */
export function plain(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15) return scientific(value);
  if (Number.isInteger(value) || size >= 1000) return fixed(value, 0);
  return fixed(value, decimalsFor(value), true);
}

const PREFIXES: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
  [1e-9, "n"],
];

/** The SI prefix that leaves one to three digits before the point, and the number it divides by. */
export function siScale(value: number, smallest = 1e-9): readonly [number, string] {
  const size = Math.abs(value);
  for (const [factor, letter] of PREFIXES) {
    // 999.5 and more would be written as 1,000 with three digits
    if (factor >= smallest && size >= factor * 0.9995) return [factor, letter];
  }
  return size === 0 ? [1, ""] : (PREFIXES.find(([factor]) => factor === smallest) ?? [1, ""]);
}

function withPrefix(value: number, unit: string, digits: number, scale?: readonly [number, string]): string {
  const [factor, letter] = scale ?? siScale(value, unit === "s" ? 1e-9 : 1);
  const scaled = value / factor;
  // bytes below 1 kB, and counts below 1 k, are whole
  const decimals = letter === "" && unit !== "s" && Number.isInteger(value) ? 0 : decimalsFor(scaled, digits);
  return `${fixed(scaled, decimals, true)}${letter || unit ? NBSP : ""}${letter}${unit}`;
}

function specialText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "∞" : `${MINUS}∞`;
}

/** Whether numbers of a metric take SI prefixes: kB, ms, M. */
export function isPrefixed({ format, unit }: MetricLike): boolean {
  return format === "" ? PREFIXED.has(unit) : formatSpecifier(format).type === "s";
}

/** Units that take SI prefixes when the metric gives no format of its own. */
const PREFIXED = new Set(["s", "B", "FLOP", "FLOPs", "MAC", "MACs", "J", "W", "Hz", "bit", "bits"]);

/**
 * A value in its metric's own format and unit. `null` is missing, which is a dash; NaN and infinities say so.
 * `scaleBy` fixes the SI prefix, so that all numbers of one axis share one unit.
 */
export function formatValue(metric: MetricLike, value: number | null, scaleBy?: number): string {
  if (value === null) return MISSING;
  if (!Number.isFinite(value)) return specialText(value);
  const scale = scaleBy === undefined ? undefined : siScale(scaleBy, metric.unit === "s" ? 1e-9 : 1);
  const spec = metric.format === "" ? null : formatSpecifier(metric.format);
  if (spec === null) {
    if (isFraction(metric)) return `${fixed(value * 100, Math.min(2, decimalsFor(value * 100)))}%`;
    if (PREFIXED.has(metric.unit)) return withPrefix(value, metric.unit, 3, scale);
    return joinUnit(plain(value), metric.unit);
  }
  // two digits of an SI number ("35 M") would hide what the default of three shows
  if (spec.type === "s") return withPrefix(value, metric.unit, Math.max(3, spec.precision ?? 3), scale);
  if (spec.type === "%" || spec.type === "p") return d3format(metric.format)(value);
  if (spec.type === "" && spec.precision === undefined) return joinUnit(plain(value), metric.unit);
  return joinUnit(d3format(metric.format)(value), metric.unit);
}

function joinUnit(text: string, unit: string): string {
  if (unit === "") return text;
  return unit === "%" || unit === "°" ? `${text}${unit}` : `${text}${NBSP}${unit}`;
}

/**
 * The metric as its column of a table writes it: all numbers with the decimals that three digits of the largest take.
 * One that has a format or a prefix of its own keeps it, and so does one of whose numbers any would read as zero.
 */
export function inColumn<M extends MetricLike>(metric: M, values: readonly (number | null)[]): M {
  if (metric.format !== "" || isFraction(metric) || isPrefixed(metric)) return metric;
  const sizes = values.flatMap((value) =>
    value !== null && Number.isFinite(value) && value !== 0 ? Math.abs(value) : [],
  );
  const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
  const decimals = sizes.every(Number.isInteger) ? 0 : decimalsFor(largest);
  const isLost = sizes.some((size) => size < 0.5 * 10 ** -decimals);
  return isLost || largest >= 1e15 ? metric : { ...metric, format: `,.${decimals}f` };
}

/** The same in words, for screen readers and notes: "missing", "not a number", "infinite". */
export function describeValue(metric: MetricLike, value: number | null): string {
  if (value === null) return "missing";
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  return formatValue(metric, value);
}

/** A count of things: 997, 12,345, then 25.6 M. */
export function formatCount(count: number): string {
  return Math.abs(count) < 100_000 ? fixed(count, 0) : withPrefix(count, "", 3);
}

/** Bytes in kB, MB (10⁶) and GB; never MiB. */
export function formatBytes(bytes: number): string {
  return withPrefix(bytes, "B", 3);
}

/** "1 model", "3 models". */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatCount(count)}${NBSP}${count === 1 ? noun : many}`;
}
