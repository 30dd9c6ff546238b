/** What an operation really changed, tensor by tensor, against the model it was applied to. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Schemas } from "./types";

export type CoveredTensor = Plain<Schemas["CoveredTensor"]>;
export type Coverage = Omit<Schemas["CoverageAnswer"], "tensors"> & { tensors: CoveredTensor[] };

export async function fetchCoverage(id: string, signal?: AbortSignal): Promise<Coverage> {
  const found = await answerOf(api.GET("/api/v1/model/coverage", { params: { query: { id } }, signal }));
  return { ...found, tensors: plainRows(found.tensors, { changed: true }) };
}
