/**
 * What the filters offer: a histogram for each metric, and the words that models differ in, with how many have each.
 */
import { makeBins, type Bins } from "@/charts/bins";
import { finiteExtent, isSkewed } from "@/charts/domain";
import { tickLabels } from "@/charts/ticks";
import { formatValue } from "@/format";
import { parameterText } from "@/state/filters";
import type { Metric, ModelTable } from "@/state/table";

export interface MetricFacet {
  readonly metric: Metric;
  readonly bins: Bins;
  /** Models without a number. */
  readonly missing: number;
}

/** A binning of every metric that has numbers, primary ones first; it depends on the models alone, not on filters. */
export function metricFacets(table: ModelTable): MetricFacet[] {
  const metrics = [...table.metrics].sort((a, b) => Number(b.primary) - Number(a.primary));
  return metrics.flatMap((metric) => {
    const values = table.values.get(metric.name)!;
    const extent = finiteExtent(values);
    if (!extent) return [];
    const missing = values.reduce((sum, value) => sum + (Number.isNaN(value) ? 1 : 0), 0);
    return [{ metric, bins: makeBins(values, extent, isSkewed(values)), missing }];
  });
}

export interface Choice {
  readonly text: string;
  readonly count: number;
}

export interface OperationFacet extends Choice {
  readonly parameters: readonly { readonly key: string; readonly name: string; readonly choices: readonly Choice[] }[];
}

function counted(counts: ReadonlyMap<string, number>): Choice[] {
  return [...counts]
    .map(([text, count]) => ({ text, count }))
    .sort((a, b) => a.text.localeCompare(b.text, undefined, { numeric: true }));
}

const MOST_CHOICES = 24;

/** The operations with their parameters of two and more values. */
export function operationFacets(table: ModelTable): OperationFacet[] {
  const operations = new Map<string, { count: number; parameters: Map<string, Map<string, number>> }>();
  for (let i = 0; i < table.count; i++) {
    const name = table.operation[i];
    if (name == null) continue;
    const facet = operations.get(name) ?? { count: 0, parameters: new Map<string, Map<string, number>>() };
    operations.set(name, facet);
    facet.count++;
    for (const [key, value] of Object.entries(table.parameters[i]!)) {
      const counts = facet.parameters.get(key) ?? new Map<string, number>();
      facet.parameters.set(key, counts);
      const text = parameterText(value);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  }
  return [...operations].map(([text, { count, parameters }]) => ({
    text,
    count,
    parameters: [...parameters]
      .filter(([, counts]) => counts.size > 1 && counts.size <= MOST_CHOICES)
      .map(([name, counts]) => ({ key: `${text}.${name}`, name, choices: counted(counts) })),
  }));
}

export function tagFacet(table: ModelTable): Choice[] {
  const counts = new Map<string, number>();
  for (const tags of table.tags) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counted(counts);
}

/** A list with a text taken out, or put in at its end. */
export function toggled(list: readonly string[], text: string): string[] {
  return list.includes(text) ? list.filter((other) => other !== text) : [...list, text];
}

/** A range of a metric in words; without one, that of all values. */
export function rangeWords({ metric, bins }: MetricFacet, range: readonly [number, number] | undefined): string {
  const words = (value: number): string => formatValue(metric, value);
  if (!range) return tickLabels(metric, [bins.edges[0]!, bins.edges[bins.edges.length - 1]!]).join(" – ");
  if (!Number.isFinite(range[0])) return `≤ ${words(range[1])}`;
  return Number.isFinite(range[1]) ? `${words(range[0])} – ${words(range[1])}` : `≥ ${words(range[0])}`;
}

/** The record with a value under a key, or without the key. */
export function withKey<T>(record: Readonly<Record<string, T>>, key: string, value: T | null): Record<string, T> {
  const others = Object.fromEntries(Object.entries(record).filter(([name]) => name !== key)) as Record<string, T>;
  return value === null ? others : { ...others, [key]: value };
}
