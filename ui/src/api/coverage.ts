/** What an operation really changed, tensor by tensor, against the model it was applied to. */
import { requestJson } from "./client";

export interface CoveredTensor {
  tensor: string;
  status: string;
  shape: string;
  values: number;
  /** Share of the values that changed; null where the shapes differ. */
  changed: number | null;
}

export interface Coverage {
  base: string;
  counts: Record<string, number>;
  /** Those to look at first; at most 1,000. */
  tensors: CoveredTensor[];
}

export function fetchCoverage(id: string, signal?: AbortSignal): Promise<Coverage> {
  return requestJson<Coverage>("model/coverage", { query: { id }, signal });
}
