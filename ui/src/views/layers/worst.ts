/** Which layers changed most, and how to say it. */
import { formatValue, leaders, listWords, type Reading } from "@/format";
import { missingWords } from "./covered";
import { addedOf, type Measure } from "./measures";
import { pathOf, type LayerTable } from "./table";

export interface Loss {
  readonly row: number;
  readonly model: number;
  readonly value: number;
  /** Other layers of the model that changed as much. */
  readonly ties: readonly number[];
}

/** For each model but the base the layer that changed most by a measure with a direction; worst first. */
export function worstLayers(table: LayerTable, layers: readonly number[], measure: Measure): Loss[] {
  if (measure.higher_is_better === null) return [];
  const sign = measure.higher_is_better ? 1 : -1;
  const found: Loss[] = [];
  for (let model = 1; model < table.models.length; model++) {
    const readings = layers.map((row): Reading | null => {
      const value = measure.read(table, row, model);
      const counts = value !== null && Number.isFinite(value) && (measure.higher_is_better || value !== 0);
      return counts ? { value } : null;
    });
    const tied = leaders(measure, readings, !measure.higher_is_better);
    const worst = tied.reduce<number | null>(
      (most, k) => (most === null || sign * readings[k]!.value < sign * readings[most]!.value ? k : most),
      null,
    );
    if (worst === null) continue;
    const ties = tied.filter((k) => k !== worst).map((k) => layers[k]!);
    found.push({ row: layers[worst]!, model, value: readings[worst]!.value, ties });
  }
  return found.sort((a, b) => sign * (a.value - b.value));
}

/** The page's title. Layers are blamed for the error that they add, not for what reaches them. */
export function sentence(table: LayerTable, layers: readonly number[], chosen: Measure): string {
  const measure = addedOf(table.what, chosen);
  const others = table.models.length - 1;
  if (others === 0) return ownSentence(table, layers, measure);
  const base = table.models[0]!;
  const worst = worstLayers(table, layers, measure);
  const first = worst[0];
  if (!first) {
    if (measure.higher_is_better === null) return mostSentence(table, layers, measure);
    const missing = missingWords(table);
    return missing ? `Only in part: ${missing}; these equal ${base}` : `No layer differs from ${base}`;
  }
  const name = (row: number): string => pathOf(table.rows[row]!);
  const verb = table.what === "activations" ? "adds most error" : "changed most";
  const same = worst.filter(({ row, ties }) => row === first.row && ties.length === 0);
  if (first.ties.length === 0 && others > 1 && same.length === others) {
    return `${name(first.row)} ${verb} in every model, against ${base}`;
  }
  if (first.ties.length > 0) {
    const rows = [first.row, ...first.ties];
    const named = rows.slice(0, rows.length > 3 ? 2 : 3).map(name);
    if (rows.length > named.length) named.push(`${rows.length - named.length} more`);
    const plural = table.what === "activations" ? "add most error" : "changed most";
    return `${listWords(named)} ${plural} in ${table.models[first.model]!} against ${base}, and tie`;
  }
  const named = same.slice(0, 2).map(({ model }) => table.models[model]!);
  const where = listWords(same.length > 2 ? [...named, `${same.length - 2} more`] : named);
  const value = same.length === 1 ? `: ${measure.name} ${formatValue(measure, first.value)}` : "";
  return `${name(first.row)} ${verb} in ${where} against ${base}${value}`;
}

function mostSentence(table: LayerTable, layers: readonly number[], measure: Measure): string {
  let most: Omit<Loss, "ties"> | null = null;
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
