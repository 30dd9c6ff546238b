/** What models claim beside what they cost. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Schemas } from "./types";

/** One model against its root; numbers that are not known are null. Ratios are root ÷ model. */
export type RealityRow = Plain<Schemas["RealityRow"]>;

export async function fetchReality(model: string, signal?: AbortSignal): Promise<RealityRow> {
  const { models } = await answerOf(api.POST("/api/v1/reality", { body: { models: [model] }, signal }));
  const [row] = plainRows(models, {
    sparsity: true,
    bits: true,
    macs: true,
    latency_s: true,
    latency_iqr_s: true,
    onnx_latency_s: true,
    onnx_latency_iqr_s: true,
    integer_products: true,
    onnx_integer_products: true,
    stored_ratio: true,
    packed_ratio: true,
    macs_ratio: true,
    latency_ratio: true,
    onnx_latency_ratio: true,
  });
  return row!;
}
