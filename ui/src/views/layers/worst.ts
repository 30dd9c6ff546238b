/** Which layers changed most, and how to say it. */
import { formatValue, listWords } from "@/format";
import type { Measure } from "./measures";
import { pathOf, type LayerTable } from "./table";

export interface Loss {
  readonly row: number;
  readonly model: number;
  readonly value: number;
}

/** For each model but the base the layer that changed most by a measure with a direction; worst first. */
export function worstLayers(table: LayerTable, layers: readonly number[], measure: Measure): Loss[] {
  if (measure.higher_is_better === null) return [];
  const sign = measure.higher_is_better ? 1 : -1;
  const found: Loss[] = [];
  for (let model = 1; model < table.models.length; model++) {
    let worst: Loss | null = null;
    for (const row of layers) {
      const value = measure.read(table, row, model);
      if (value === null || !Number.isFinite(value) || (!measure.higher_is_better && value === 0)) continue;
      if (!worst || sign * value < sign * worst.value) worst = { row, model, value };
    }
    if (worst) found.push(worst);
  }
  return found.sort((a, b) => sign * (a.value - b.value));
}

/** The page's title: a sentence about the data. */
export function sentence(table: LayerTable, layers: readonly number[], measure: Measure): string {
  const others = table.models.length - 1;
  if (others === 0) return ownSentence(table, layers, measure);
  const worst = worstLayers(table, layers, measure);
  const first = worst[0];
  if (!first) {
    if (measure.higher_is_better !== null) return "No layer differs from the base";
    return mostSentence(table, layers, measure);
  }
  const name = pathOf(table.rows[first.row]!);
  const same = worst.filter(({ row }) => row === first.row);
  if (others > 1 && same.length === others) return `${name} changed most in every model`;
  const named = same.slice(0, 2).map(({ model }) => table.models[model]!);
  const where = listWords(same.length > 2 ? [...named, `${same.length - 2} more`] : named);
  const value = same.length === 1 ? `: ${measure.name} ${formatValue(measure, first.value)}` : "";
  return `${name} changed most in ${where}${value}`;
}

function mostSentence(table: LayerTable, layers: readonly number[], measure: Measure): string {
  let most: Loss | null = null;
  for (let model = 1; model < table.models.length; model++) {
    for (const row of layers) {
      const value = measure.read(table, row, model);
      if (value !== null && Number.isFinite(value) && (!most || value > most.value)) most = { row, model, value };
    }
  }
  if (!most || most.value === 0) return `${measure.name} by layer`;
  const value = formatValue(measure, most.value);
  return `${superlative(measure)}: ${value} in ${pathOf(table.rows[most.row]!)} of ${table.models[most.model]!}`;
}

function ownSentence(table: LayerTable, layers: readonly number[], measure: Measure): string {
  const read = layers.flatMap((row) => {
    const value = measure.read(table, row, 0);
    return value === null || !Number.isFinite(value) ? [] : [{ row, value }];
  });
  const most = read.reduce<{ row: number; value: number } | null>((a, b) => (a && a.value >= b.value ? a : b), null);
  if (!most || most.value === 0) return `${measure.name} by layer of ${table.models[0]!}`;
  return `${superlative(measure)}: ${formatValue(measure, most.value)} in ${pathOf(table.rows[most.row]!)}`;
}

function superlative(measure: Measure): string {
  return `${measure.counts ? "Most" : "Highest"} ${measure.name.toLowerCase()}`;
}
