/** What the server knows about single models and selections of them. */
import type { Json } from "@/api/json";
import { requestJson } from "./client";

/** JSON has no literal for what is not finite. */
type WireNumber = number | "NaN" | "Infinity" | "-Infinity";

export interface MetricReading {
  name: string;
  value: number;
  slice: string | null;
  device: string | null;
  count: number | null;
  standard_error: number | null;
}

export interface StoredFile {
  name: string;
  sha256: string;
  num_bytes: number;
}

export interface ModelDetails {
  id: string;
  base: string | null;
  operation: string | null;
  parameters: Record<string, Json>;
  step: number;
  created_at: string;
  lineage: { model: string; operation: string | null; parameters: Record<string, Json> }[];
  references: { role: string; model: string }[];
  tags: string[];
  note: string;
  metrics: MetricReading[];
  checkpoint: { format: string; num_bytes: number; files: StoredFile[] } | null;
  datasets: string[];
}

type WireModel = Omit<ModelDetails, "metrics"> & { metrics: (Omit<MetricReading, "value"> & { value: WireNumber })[] };

function decode(model: WireModel): ModelDetails {
  return { ...model, metrics: model.metrics.map((reading) => ({ ...reading, value: Number(reading.value) })) };
}

export async function fetchModel(id: string, signal?: AbortSignal): Promise<ModelDetails> {
  return decode(await requestJson<WireModel>("model", { query: { id }, signal }));
}

export async function changeModel(id: string, change: { note?: string; tags?: string[] }): Promise<ModelDetails> {
  return decode(await requestJson<WireModel>("model", { method: "PATCH", query: { id }, body: change }));
}

export interface Variable {
  name: string;
  kind: string;
  values: Json[];
}

/** What differs within a selection; rows give each model's values in the order of the variables. */
export interface SelectionAnswer {
  variables: Variable[];
  rows: Record<string, Json[]>;
  chart: { x: string | null; color: string | null; facet: string | null };
  constant: Json[];
  /** Names of differences that are not needed to tell the models apart. */
  also?: string[];
  /** Why the chart is empty. */
  reason?: string | null;
  /** Which models could be charted instead. */
  suggestion?: { keep: unknown[]; models: string[] } | null;
}

export function fetchSelection(models: readonly string[], signal?: AbortSignal): Promise<SelectionAnswer> {
  return requestJson<SelectionAnswer>("selection", { method: "POST", body: { models }, signal });
}

/** The matched-pair effect of an operation, or of one change of a parameter, on a metric; pairs are (without, with). */
export interface Effect {
  operation: string;
  parameter: string | null;
  condition: string | null;
  metric: string;
  pairs: number;
  mean: number | null;
  median: number | null;
  ci_low: number | null;
  ci_high: number | null;
  models: string[][];
  /** How the interval was made, with its level. */
  interval: string | null;
  /** That level, from 0 to 1: fewer than six pairs cannot give 0.95. */
  confidence: number | null;
}

type WireEffect = { [Key in keyof Effect]: Effect[Key] extends number | null ? WireNumber | null : Effect[Key] };

/** The effects on a metric; each lists at most so many of its pairs, spread evenly. */
export async function fetchEffects(metric: string, pairs: number, signal?: AbortSignal): Promise<Effect[]> {
  const { effects } = await requestJson<{ effects: WireEffect[] }>("effects", { query: { metric, pairs }, signal });
  const number = (value: WireNumber | null): number | null => (value === null ? null : Number(value));
  return effects.map((effect) => ({
    ...effect,
    pairs: Number(effect.pairs),
    mean: number(effect.mean),
    median: number(effect.median),
    ci_low: number(effect.ci_low),
    ci_high: number(effect.ci_high),
    confidence: number(effect.confidence),
  }));
}
