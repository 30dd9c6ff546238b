/** Rules to begin with, and the place of an interval against its bound. */
import type { GateCheck } from "@/api/gate";
import type { Metric } from "@/state/table";
import { primaryMetrics } from "@/widgets/facts";

/** Rules that suit the metrics of a project, for who has none yet. */
export function firstRules(metrics: readonly Metric[]): string {
  const rules = primaryMetrics(metrics, 3).flatMap((metric) => {
    const name = JSON.stringify(metric.name);
    if (metric.unit === "B") return [`  - {metric: ${name}, max_ratio: 0.5}`];
    if (metric.higher_is_better === null) return [];
    return [`  - {metric: ${name}, max_drop: ${metric.max === 1 ? "0.02" : "0.1"}}`];
  });
  return `rules:\n${[...rules, "  - {right_to_wrong: {max_rate: 0.03}}"].join("\n")}\n`;
}

/** Places from 0 to 1 of an interval, its value and the bound on an axis that has them all; null without a number. */
export interface Drawn {
  readonly low: number;
  readonly high: number;
  readonly value: number;
  readonly limit: number;
}

export function drawn(check: GateCheck): Drawn | null {
  const { value, limit } = check;
  const [low, high] = [check.low ?? value, check.high ?? value];
  if (value === null || low === null || high === null) return null;
  const all = [low, high, value, limit];
  if (!all.every(Number.isFinite)) return null;
  const [from, to] = [Math.min(...all), Math.max(...all)];
  const room = (to - from) * 0.1 || Math.abs(from) * 0.1 || 1;
  const place = (x: number): number => (x - from + room) / (to - from + 2 * room);
  return { low: place(low), high: place(high), value: place(value), limit: place(limit) };
}

export const OUTCOMES: Readonly<Record<string, string>> = {
  pass: "pass",
  fail: "fail",
  undecided: "not enough data",
};
