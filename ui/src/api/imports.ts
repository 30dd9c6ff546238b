/** What other tools wrote: sent to the server in pieces or read by it from elsewhere, looked at, imported as a job. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Job } from "./jobs";
import type { Asked, Schemas } from "./types";

export type ImportAsk = Schemas["ImportAsk"];
export type PreviewedModel = Schemas["PreviewedModelAnswer"];
export type PreviewedMetric = Schemas["PreviewedMetricAnswer"];
export type PreviewedData = Schemas["PreviewedData"];
export type ImportPreview = Omit<Schemas["ImportPreviewAnswer"], "corrections"> & {
  corrections: Plain<Schemas["CorrectionAnswer"]>[];
};

/** Bytes of a file that are sent at once; as base64 they stay below what the server takes. */
const PIECE = 3_000_000;

/** A file with its path below what was dropped. */
export interface Dropped {
  readonly path: string;
  readonly file: Blob;
}

/** Send files; `told` is called with the bytes that were sent. Returns the id of the upload. */
export async function sendFiles(files: readonly Dropped[], told: (bytes: number) => void): Promise<string> {
  let upload: string | null = null;
  let sent = 0;
  for (const { path, file } of files) {
    for (let offset = 0; offset === 0 || offset < file.size; offset += PIECE) {
      const piece = file.slice(offset, offset + PIECE);
      const body: Schemas["UploadAsk"] = { upload, path, offset, content: await base64(piece) };
      const answer: Schemas["UploadAnswer"] = await answerOf(api.POST("/api/v1/import/files", { body }));
      upload = answer.upload;
      told((sent += piece.size));
    }
  }
  return upload!;
}

export function fetchImportSources(signal?: AbortSignal): Promise<Schemas["ImportSourcesAnswer"]> {
  return answerOf(api.GET("/api/v1/import/sources", { signal }));
}

export async function previewImport(ask: Asked<ImportAsk>, signal?: AbortSignal): Promise<ImportPreview> {
  const answer = await answerOf(api.POST("/api/v1/import/preview", { body: ask as ImportAsk, signal }));
  return { ...answer, corrections: plainRows(answer.corrections, { value: true }) };
}

export function startImport(ask: Asked<ImportAsk>): Promise<Job> {
  return answerOf(api.POST("/api/v1/import", { body: ask as ImportAsk }));
}

async function base64(piece: Blob): Promise<string> {
  const bytes = new Uint8Array(await piece.arrayBuffer());
  let text = "";
  const STEP = 0x8000;
  for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP));
  return btoa(text);
}
