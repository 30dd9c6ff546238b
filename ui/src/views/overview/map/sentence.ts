/** What the map says, in one line. */
import { formatChange, goodness, plural } from "@/format";
import type { ModelTable } from "@/state/table";

/** The step after which a metric is worst against its base; null where nothing got worse or no direction is known. */
export function worstStep(table: ModelTable, metric: string | null): number | null {
  const definition = table.metrics.find(({ name }) => name === metric);
  if (!definition || definition.higher_is_better === null) return null;
  const values = table.values.get(definition.name)!;
  let worst: number | null = null;
  let most = 0;
  for (let i = 0; i < table.count; i++) {
    const change = Math.abs(values[i]! - values[table.base[i]!]!);
    if (!(change > most) || goodness(definition, values[i]! - values[table.base[i]!]!) !== "bad") continue;
    worst = i;
    most = change;
  }
  return worst;
}

/** "Top-1 Accuracy falls most at gradient prune 0.75", else what there is. */
export function mapSentence(table: ModelTable, metric: string | null, label: (model: number) => string): string {
  const worst = worstStep(table, metric);
  if (worst === null) return plural(table.count, "model");
  const definition = table.metrics.find(({ name }) => name === metric)!;
  const values = table.values.get(definition.name)!;
  const [value, base] = [values[worst]!, values[table.base[worst]!]!];
  const verb = value < base ? "falls" : "rises";
  return `${definition.name} ${verb} most at ${label(worst)}: ${formatChange(definition, value, base)}`;
}
