/** What the server knows about single models and selections of them. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Schemas } from "./types";

export type MetricReading = Plain<Schemas["MetricValueAnswer"]>;
export type StoredFile = Schemas["StoredFileAnswer"];
export type ModelDetails = Omit<Schemas["ModelAnswer"], "metrics"> & { metrics: MetricReading[] };
/** Note, tags or both. */
export type ModelChange = Schemas["ModelChange"];
export type Variable = Schemas["VariableAnswer"];
/** What differs within a selection; rows give each model's values in the order of the variables. */
export type SelectionAnswer = Schemas["SelectionAnswer"];
/** The matched-pair effect of an operation, or of one change of a parameter, on a metric; pairs are (without, with). */
export type Effect = Plain<Schemas["EffectAnswer"]>;

function decode(model: Schemas["ModelAnswer"]): ModelDetails {
  return { ...model, metrics: plainRows(model.metrics, { value: true }) };
}

export async function fetchModel(id: string, signal?: AbortSignal): Promise<ModelDetails> {
  return decode(await answerOf(api.GET("/api/v1/model", { params: { query: { id } }, signal })));
}

export async function changeModel(id: string, change: ModelChange): Promise<ModelDetails> {
  return decode(await answerOf(api.PATCH("/api/v1/model", { params: { query: { id } }, body: change })));
}

export async function fetchSelection(models: readonly string[], signal?: AbortSignal): Promise<SelectionAnswer> {
  // pairs arrive as pairs, which the client's types call lists
  return (await answerOf(api.POST("/api/v1/selection", { body: { models: [...models] }, signal }))) as SelectionAnswer;
}

/** The effects on a metric; each lists at most so many of its pairs, spread evenly. */
export async function fetchEffects(metric: string, pairs: number, signal?: AbortSignal): Promise<Effect[]> {
  const { effects } = await answerOf(api.GET("/api/v1/effects", { params: { query: { metric, pairs } }, signal }));
  return plainRows(effects, { mean: true, median: true, ci_low: true, ci_high: true, confidence: true });
}
