/** What happened inside the layers: tables come as Arrow, because a large model has many rows. */
import { readColumns } from "./arrow";
import { answerOf, api, isFile, watched } from "./client";
import { ApiError } from "./problem";
import { plainRows, type Plain } from "./numbers";
import type { Asked, Schemas } from "./types";

export type LayerRow = Schemas["LayerRow"];
/** The name of a column of the table, of whatever mode. */
export type LayerColumn = keyof LayerRow;
export type Mode = NonNullable<Schemas["LayersPair"]["what"]>;
/** A number, a text, or a list of counts; null where there is none. */
export type LayerValue = number | string | ArrayLike<number> | null;

type Ask = Schemas["LayersAsk"];

/** A base and models, by id; the base may stand among the models to be described by itself. */
export type LayersQuestion = Asked<Pick<Ask, "base" | "models" | "alignment"> & { what: Mode; examples?: number }>;
/** Which rows and columns of the table. */
export type LayersPart = Asked<Partial<Pick<Ask, "modules" | "match" | "histograms">>> & {
  readonly columns?: readonly LayerColumn[];
};

/** The answer, column by column. */
export interface LayerColumns {
  what: Mode;
  models: readonly string[];
  count: number;
  columns: ReadonlyMap<LayerColumn, ArrayLike<LayerValue>>;
}

export type Suspect = Plain<Schemas["SuspectAnswer"]>;

/** What was never compared, which is no failure of the server: a job has to come first. */
const NOT_RUN = new ApiError(204, { code: "layers.not_run", title: "These activations were not compared yet." });

/** The table; throws `NOT_RUN` for activations that no job has compared yet. */
export async function fetchLayers(
  question: LayersQuestion,
  part: LayersPart,
  signal?: AbortSignal,
  watch?: string,
): Promise<LayerColumns> {
  const body = { ...question, ...part } as Ask;
  const { data: bytes, response } = await api.POST("/api/v1/layers", {
    body,
    parseAs: "arrayBuffer",
    headers: watched(watch),
    signal,
  });
  if (response.status === NOT_RUN.status || !bytes) throw NOT_RUN;
  const { count, all } = readColumns<LayerRow>(bytes);
  const columns = all as ReadonlyMap<LayerColumn, ArrayLike<LayerValue>>;
  const answer = { what: question.what, models: question.models, count, columns };
  return isFile ? partOf(answer, part) : answer;
}

/** The rows that a part is about, of a table that a file has whole. */
export function partOf(answer: LayerColumns, part: LayersPart): LayerColumns {
  const { modules, match } = part;
  const texts = (name: LayerColumn): ArrayLike<string | null> => answer.columns.get(name) as ArrayLike<string | null>;
  const [module, parameter] = [texts("module"), texts("parameter")];
  const pattern = match ? new RegExp(match) : null;
  const isWanted = (row: number): boolean =>
    (modules?.includes(module[row]!) ?? true) &&
    (pattern?.test([module[row], parameter[row]].filter((name) => name !== null).join(".")) ?? true);
  const wanted = Array.from({ length: answer.count }, (_, row) => row).filter(isWanted);
  if (wanted.length === answer.count) return answer;
  const columns = [...answer.columns].map(([name, values]) => [name, wanted.map((row) => values[row]!)] as const);
  return { ...answer, count: wanted.length, columns: new Map(columns) };
}

/** One number per tensor of one model, as a file of node data for Model Explorer. */
export async function fetchOverlay(question: LayersQuestion, model: string, measure: string): Promise<Blob> {
  const body = { ...question, model, measure } as Schemas["LayersOverlay"];
  return answerOf(api.POST("/api/v1/layers/overlay", { body, parseAs: "blob" }));
}

export async function fetchSuspects(question: LayersQuestion, signal?: AbortSignal): Promise<Suspect[]> {
  const what = question.what === "storage" ? "weights" : question.what;
  const body = { ...question, what } as Schemas["LayersPair"];
  const { suspects } = await answerOf(api.POST("/api/v1/layers/suspects", { body, signal }));
  return plainRows(suspects, { score: true });
}
