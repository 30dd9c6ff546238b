/** What models claim beside what they cost. */
import { requestJson } from "./client";
import type { Schemas } from "./types";

type Wire = Schemas["RealityRow"];

/** One model against its root; numbers that are not known are null. Ratios are root ÷ model. */
export type RealityRow = {
  [Key in keyof Wire]: Wire[Key] extends number | string | null
    ? Exclude<Wire[Key], "NaN" | "Infinity" | "-Infinity">
    : Wire[Key];
};

export async function fetchReality(model: string, signal?: AbortSignal): Promise<RealityRow> {
  const answer = await requestJson<Schemas["RealityAnswer"]>("reality", {
    method: "POST",
    body: { models: [model] },
    signal,
  });
  return answer.models[0] as RealityRow;
}
