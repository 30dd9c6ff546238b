/** Another copy of this project: looked at, then merged. */
import { addressOf, answerOf, api } from "./client";
import type { Asked, Schemas } from "./types";

export type MergeAsk = Schemas["MergeAsk"];
export type MergeChoice = NonNullable<MergeAsk["choices"]>[string];
export type MergePreview = Schemas["MergePreviewAnswer"];
export type MergeConflict = Schemas["MergeConflictAnswer"];
export type Merged = Schemas["MergeAnswer"];

export function previewMerge(ask: Asked<MergeAsk>, signal?: AbortSignal): Promise<MergePreview> {
  return answerOf(api.POST("/api/v1/merge/preview", { body: ask as MergeAsk, signal }));
}

/** Where the whole project is downloaded as one file. */
export const archiveAddress = (): string => addressOf("/api/v1/archive", {});

export function mergeCopy(ask: Asked<MergeAsk>): Promise<Merged> {
  return answerOf(api.POST("/api/v1/merge", { body: ask as MergeAsk }));
}
