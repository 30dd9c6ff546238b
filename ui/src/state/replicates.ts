/** Models made alike stand as one, at their mean, with their spread. */
import type { ModelTable } from "./table";

/** The finite values of a metric over all models made like one. */
function valuesOf(table: ModelTable, metric: string, model: number): number[] {
  const values = table.values.get(metric);
  return (table.replicates.members.get(model) ?? [model]).flatMap((i) => {
    const value = values?.[i] ?? Number.NaN;
    return Number.isNaN(value) ? [] : [value];
  });
}

/** Smallest and largest value of replicates; null unless two of them have one. */
export function spreadOf(table: ModelTable, metric: string, model: number): [number, number] | null {
  const found = valuesOf(table, metric, model);
  return found.length > 1 ? [Math.min(...found), Math.max(...found)] : null;
}

/** The table with one row for replicates that has a value: the first one has their mean, the others have none. */
export function pooled(table: ModelTable): ModelTable {
  const { members } = table.replicates;
  if (members.size === 0) return table;
  const values = new Map<string, Float64Array>();
  for (const [metric, column] of table.values) {
    const own = column.slice();
    for (const [first, all] of members) {
      const found = valuesOf(table, metric, first);
      for (const i of all) own[i] = Number.NaN;
      if (found.length > 0) own[first] = found.reduce((sum, value) => sum + value, 0) / found.length;
    }
    values.set(metric, own);
  }
  return { ...table, values };
}

/** The models that stand for some, each once. */
export function standing(table: ModelTable, models: Iterable<number>): ReadonlySet<number> {
  const set = models instanceof Set ? (models as ReadonlySet<number>) : new Set(models);
  if (table.replicates.members.size === 0) return set;
  return new Set([...set].map((i) => table.replicates.first[i]!));
}
