/** What changed for single instances: the server computes, a page holds what it shows. */
import type { Json } from "@/api/json";
import { addressOf, answerOf, api, watched } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Asked, Schemas } from "./types";

type Wire = Schemas["BehaviorsAnswer"];

/** JSON has no literal for what is not finite. */
export type Cell = Json;
/** An instance: its columns by name, those of a model as `name[model]`. */
export type Row = Readonly<Record<string, Cell>>;
/** Column, operator, value; all of them hold. */
export type Condition = readonly [string, string, Json];

export type Part = NonNullable<Schemas["BehaviorsAsk"]["parts"]>[number];
/** `metric` is null for the one that fits the task. */
export type Comparison = Asked<
  Required<Pick<Schemas["BehaviorsAsk"], "base" | "models" | "dataset" | "metric" | "by">>
>;
export type Page = Required<Omit<Asked<Schemas["InstancesAsk"]>, "where">> & { readonly where: readonly Condition[] };

export interface Question
  extends Comparison, Partial<Asked<Pick<Schemas["BehaviorsAsk"], "relative" | "confusion_of">>> {
  readonly parts: readonly Part[];
  readonly instances?: Page;
}

/** How a metric of a model differs from the base's. */
export type Counts = Pick<SummaryRow, keyof SummaryRow & keyof GroupRow>;
export type SummaryRow = Plain<Schemas["SummaryRow"]>;
export type HistogramRow = Plain<Schemas["HistogramRow"]>;
export type GroupRow = Plain<Schemas["GroupRow"]>;
export type ChangeRow = Schemas["PredictionChange"];
export type ConfusionRow = Schemas["ConfusionRow"];
export type SliceRow = Plain<Schemas["SliceRow"]>;
export type ExemplarRow = Schemas["ExemplarRow"];
export type CalibrationRow = Schemas["CalibrationRow"];
export type PerplexityRow = Plain<Schemas["PerplexityRow"]>;
/** One number per token of an instance. */
export type TokenNumbers = Schemas["TokenNumbers"];
export type SegmentationRow = Plain<Schemas["SegmentationRow"]>;
export type ImageBoxes = Schemas["ImageBoxes"];
/** The pixels of an object, as runs outside and inside by turns, column by column. */
export type ObjectMask = Schemas["ObjectMask"];
/** The class of each pixel, as runs of equal ones. */
export type ImageMask = Schemas["ImageMask"];
export type MaskClass = Schemas["MaskClass"];
export type ClassProbability = Plain<Schemas["ClassProbability"]>;
export type Instance = Omit<Schemas["InstanceAnswer"], "probabilities"> & { probabilities: ClassProbability[] };

type Decoded = "summary" | "histograms" | "groups" | "slices" | "segmentation" | "perplexity" | "calibration_errors";
/** The parts that were not asked for are null. */
export interface Answer extends Omit<Wire, Decoded> {
  summary: SummaryRow[] | null;
  histograms: HistogramRow[] | null;
  groups: GroupRow[] | null;
  slices: SliceRow[] | null;
  segmentation: SegmentationRow[] | null;
  perplexity: PerplexityRow[] | null;
  calibration_errors: Readonly<Record<string, number | null>> | null;
}

const LIMITS = { ci_low: true, ci_high: true } as const;
const COUNTS = {
  ...LIMITS,
  value: true,
  base_value: true,
  difference: true,
  bootstrap_low: true,
  bootstrap_high: true,
  agreement: true,
  mcnemar_p: true,
} as const;

export async function fetchBehaviors(question: Question, signal?: AbortSignal, watch?: string): Promise<Answer> {
  const body = question as Asked<Schemas["BehaviorsAsk"]> as Schemas["BehaviorsAsk"];
  return decode(await answerOf(api.POST("/api/v1/behaviors", { body, headers: watched(watch), signal })));
}

function decode(found: Wire): Answer {
  const { summary, histograms, groups, slices, segmentation, perplexity, calibration_errors: errors } = found;
  return {
    ...found,
    summary: summary && plainRows(summary, { ...COUNTS, mcnemar_p_adjusted: true }),
    histograms: histograms && plainRows(histograms, { low: true, high: true }),
    groups: groups && plainRows(groups, { ...COUNTS, excess: true, excess_p: true }),
    slices: slices && plainRows(slices, { difference: true, excess: true, p: true, p_adjusted: true }),
    segmentation: segmentation && plainRows(segmentation, { ...LIMITS, iou: true, base_iou: true, difference: true }),
    perplexity:
      perplexity && plainRows(perplexity, { ...LIMITS, perplexity: true, base_perplexity: true, ratio: true }),
    calibration_errors:
      errors &&
      Object.fromEntries(Object.entries(errors).map(([id, value]) => [id, value === null ? null : Number(value)])),
  };
}

export async function fetchInstance(
  { base, models, dataset, metric }: Comparison,
  id: string,
  signal?: AbortSignal,
): Promise<Instance> {
  const body = { base, models: [...models], dataset, metric, id };
  const found = await answerOf(api.POST("/api/v1/behaviors/instance", { body, signal }));
  return { ...found, probabilities: plainRows(found.probabilities, { probability: true }) };
}

/** Ids of the models that have outputs on a dataset. */
export async function fetchAnswered(dataset: string, signal?: AbortSignal): Promise<string[]> {
  return (await answerOf(api.GET("/api/v1/behaviors/answered", { params: { query: { dataset } }, signal }))).models;
}

/** The sound of an instance, as it was logged. */
export async function fetchSound(dataset: string, id: Cell, signal?: AbortSignal): Promise<ArrayBuffer> {
  const query = { dataset, id: String(id) };
  return answerOf(api.GET("/api/v1/behaviors/audio", { params: { query }, parseAs: "arrayBuffer", signal }));
}

/** Where the image of an instance is. */
export function imageAddress(dataset: string, id: Cell): string {
  return addressOf("/api/v1/behaviors/image", { dataset, id: String(id) });
}

export type ExportPart =
  "summary" | "groups" | "changes" | "instances" | "slices" | "exemplars" | "calibration" | "segmentation";

/** Where a file with a table is: of the instances, all that the conditions leave. */
export function exportAddress(
  comparison: Comparison,
  page: Pick<Page, "sort" | "where">,
  part: ExportPart,
  format: "csv" | "parquet",
): string {
  const { base, models, dataset, metric, by } = comparison;
  const { sort, where } = page;
  const ask = JSON.stringify({ base, models, dataset, metric, by, instances: { sort, where } });
  return addressOf("/api/v1/behaviors/export", { ask, part, format });
}
