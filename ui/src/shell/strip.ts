/** What the strip of compared models does to their order, and what it finds. */
import { filterMask, NO_FILTERS } from "@/state/filters";
import type { ModelTable } from "@/state/table";

/** The models with one moved by some places, no further than the ends. */
export function moved(models: readonly number[], model: number, by: number): number[] {
  const from = models.indexOf(model);
  if (from < 0) return [...models];
  const rest = models.filter((other) => other !== model);
  const to = Math.min(rest.length, Math.max(0, from + by));
  return [...rest.slice(0, to), model, ...rest.slice(to)];
}

/** Models that a text finds as the search does, without those that are there already; ids that begin with it first. */
export function found(table: ModelTable, text: string, without: ReadonlySet<number>, most = 8): number[] {
  const mask = filterMask(table, { ...NO_FILTERS, search: text });
  const begins = (model: number): number => (table.ids[model]!.startsWith(text.trim()) ? 0 : 1);
  return [...mask.keys()]
    .filter((model) => mask[model] && !without.has(model))
    .sort((a, b) => begins(a) - begins(b) || a - b)
    .slice(0, most);
}
