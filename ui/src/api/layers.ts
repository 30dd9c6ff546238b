/** What happened inside the layers: tables come as Arrow, because a large model has many rows. */
import { tableFromIPC } from "@uwdata/flechette";
import { request, requestJson } from "./client";

export type Mode = "sparsity" | "weights" | "storage" | "activations";
/** A number, a text, or a list of counts; null where there is none. */
export type LayerValue = number | string | ArrayLike<number> | null;

/** A base and models, by id; the base may stand among the models to be described by itself. */
export interface LayersQuestion {
  base: string;
  models: readonly string[];
  what: Mode;
  /** Of activations: on how many examples they were compared. */
  examples?: number;
  /** For names of tensors of the base, those of models that are compared with them where no rule finds them. */
  alignment?: Readonly<Record<string, string>>;
}

export interface LayersPart {
  modules?: readonly string[];
  columns?: readonly string[];
  /** A regular expression, matched by the server in time linear in the names. */
  match?: string;
  histograms?: "counts" | "heights";
}

/** The answer, column by column. */
export interface LayerColumns {
  what: Mode;
  models: readonly string[];
  count: number;
  columns: ReadonlyMap<string, ArrayLike<LayerValue>>;
}

export interface Suspect {
  module: string;
  model: string;
  score: number | string;
  reason: string;
}

export async function fetchLayers(
  question: LayersQuestion,
  part: LayersPart,
  signal?: AbortSignal,
  watch?: string,
): Promise<LayerColumns> {
  const response = await request("layers", { method: "POST", body: { ...question, ...part }, signal, watch });
  const arrow = tableFromIPC(new Uint8Array(await response.arrayBuffer()), { useBigInt: false });
  const columns = arrow.names.map((name, k) => [name, arrow.getChildAt(k).toArray() as ArrayLike<LayerValue>] as const);
  return { what: question.what, models: question.models, count: arrow.numRows, columns: new Map(columns) };
}

/** One number per tensor of one model, as a file of node data for Model Explorer. */
export async function fetchOverlay(question: LayersQuestion, model: string, measure: string): Promise<Blob> {
  return (await request("layers/overlay", { method: "POST", body: { ...question, model, measure } })).blob();
}

export async function fetchSuspects(question: LayersQuestion, signal?: AbortSignal): Promise<Suspect[]> {
  const body = { ...question, what: question.what === "storage" ? "weights" : question.what };
  return (await requestJson<{ suspects: Suspect[] }>("layers/suspects", { method: "POST", body, signal })).suspects;
}
