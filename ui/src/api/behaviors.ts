/** What changed for single instances: the server computes, a page holds what it shows. */
import type { Json } from "@/api/json";
import { request, requestJson } from "./client";

/** JSON has no literal for what is not finite. */
export type Cell = Json;
/** An instance: its columns by name, those of a model as `name[model]`. */
export type Row = Readonly<Record<string, Cell>>;
/** Column, operator, value; all of them hold. */
export type Condition = readonly [string, string, Json];

export type Part =
  | "summary"
  | "histograms"
  | "groups"
  | "changes"
  | "confusion"
  | "instances"
  | "exemplars"
  | "slices"
  | "calibration"
  | "perplexity";

export interface Comparison {
  base: string;
  models: readonly string[];
  dataset: string;
  /** Null: the one that fits the task. */
  metric: string | null;
  by: readonly string[];
}

export interface Page {
  sort: string | null;
  where: readonly Condition[];
  limit: number;
  offset: number;
}

export interface Question extends Comparison {
  parts: readonly Part[];
  relative?: boolean;
  instances?: Page;
  confusion_of?: string;
}

export interface Counts {
  count: number;
  value: number | null;
  base_value: number | null;
  difference: number | null;
  ci_low: number | null;
  ci_high: number | null;
  /** How that interval was made. */
  interval: string;
  /** The same by a paired bootstrap. */
  bootstrap_low: number | null;
  bootstrap_high: number | null;
  agreement: number | null;
  right_to_wrong: number | null;
  wrong_to_right: number | null;
  wrong_to_wrong: number | null;
  mcnemar_p: number | null;
}

export interface SummaryRow extends Counts {
  model: string;
  mcnemar_p_adjusted: number | null;
  /** Instances that base and model both answered. */
  compared: number;
  missing: number;
  base_missing: number;
  nonfinite: number;
}

export interface HistogramRow {
  model: string;
  low: number;
  high: number;
  counts: number[];
  nan: number;
  positive_infinity: number;
  negative_infinity: number;
  missing: number;
}

export interface GroupRow extends Counts {
  model: string;
  group: string | number | boolean | null;
  excess: number | null;
  excess_p: number | null;
  /** Worse than the average beyond chance; null where the metric has no direction. */
  hurt: boolean | null;
}

export interface ChangeRow {
  model: string;
  base_prediction: Cell;
  prediction: Cell;
  count: number;
  rate: number;
}

export interface ConfusionRow {
  label: Cell;
  prediction: Cell;
  base_count: number;
  count: number;
  change: number;
}

/** Instances with one or two things in common that changed more or less than all, by more than chance. */
export interface SliceRow {
  model: string;
  slice: string;
  columns: string[];
  count: number;
  difference: number;
  /** The slice's change minus that of all instances. */
  excess: number;
  /** Adjusted for all slices that were tried. */
  p_adjusted: number;
  tried: number;
}

/** An instance on which at least half of the models disagree with the base. */
export interface ExemplarRow {
  id: Cell;
  label?: Cell;
  base_prediction: Cell;
  /** The models' most frequent one. */
  prediction: Cell;
  num_changed: number;
  num_models: number;
  share: number;
}

/** Instances of one model by how sure it is. */
export interface CalibrationRow {
  model: string;
  low: number;
  high: number;
  count: number;
  confidence: number | null;
  accuracy: number | null;
}

/** Over all tokens together. */
export interface PerplexityRow {
  model: string;
  tokens: number;
  perplexity: number | null;
  base_perplexity: number | null;
  ratio: number | null;
  ci_low: number | null;
  ci_high: number | null;
}

export interface Answer {
  base: string;
  models: string[];
  metric: string;
  higher_is_better: boolean | null;
  meaning: string;
  metrics: string[];
  columns: string[];
  group_columns: string[];
  num_instances: number;
  summary: SummaryRow[] | null;
  histograms: HistogramRow[] | null;
  groups: GroupRow[] | null;
  changes: ChangeRow[] | null;
  confusion: ConfusionRow[] | null;
  slices: SliceRow[] | null;
  exemplars: ExemplarRow[] | null;
  calibration: CalibrationRow[] | null;
  calibration_errors: Readonly<Record<string, number | null>> | null;
  perplexity: PerplexityRow[] | null;
  instances: Row[] | null;
  total: number | null;
}

export function fetchBehaviors(question: Question, signal?: AbortSignal, watch?: string): Promise<Answer> {
  return requestJson<Answer>("behaviors", { method: "POST", body: question, signal, watch });
}

/** One number per token of an instance. */
export interface TokenNumbers {
  measure: string;
  model: string;
  values: Cell[];
}

export interface Instance {
  row: Row;
  text: string | null;
  is_cut: boolean;
  has_image: boolean;
  has_audio: boolean;
  tokens: string[];
  token_numbers: TokenNumbers[];
  probabilities: { model: string; class: string; probability: number }[];
}

export function fetchInstance(
  { base, models, dataset, metric }: Comparison,
  id: string,
  signal?: AbortSignal,
): Promise<Instance> {
  return requestJson("behaviors/instance", { method: "POST", body: { base, models, dataset, metric, id }, signal });
}

/** Ids of the models that have outputs on a dataset. */
export async function fetchAnswered(dataset: string, signal?: AbortSignal): Promise<string[]> {
  return (await requestJson<{ models: string[] }>("behaviors/answered", { query: { dataset }, signal })).models;
}

/** The sound of an instance, as it was logged. */
export async function fetchSound(dataset: string, id: Cell, signal?: AbortSignal): Promise<ArrayBuffer> {
  const answer = await request("behaviors/audio", { query: { dataset, id: String(id) }, accept: "*/*", signal });
  return answer.arrayBuffer();
}

/** Where the image of an instance is. */
export function imageAddress(dataset: string, id: Cell): string {
  return `api/v1/behaviors/image?${new URLSearchParams({ dataset, id: String(id) })}`;
}

/** Where a file with a table is: of the instances, all that the conditions leave. */
export type ExportPart = "summary" | "groups" | "changes" | "instances" | "slices" | "exemplars" | "calibration";

export function exportAddress(
  comparison: Comparison,
  page: Pick<Page, "sort" | "where">,
  part: ExportPart,
  format: "csv" | "parquet",
): string {
  const { base, models, dataset, metric, by } = comparison;
  const { sort, where } = page;
  const ask = JSON.stringify({ base, models, dataset, metric, by, instances: { sort, where } });
  return `api/v1/behaviors/export?${new URLSearchParams({ ask, part, format })}`;
}
