/** What a person changes of what was logged, and the history of that. */
import { answerOf, api } from "./client";
import type { Json } from "./json";
import type { Asked, Schemas } from "./types";

export type Change = Schemas["ChangeAnswer"];
export type AuditEntry = Schemas["AuditEntry"];
export type History = Schemas["HistoryAnswer"];
/** A number as it stood where somebody decided to correct it. */
export type SeenValue = Asked<Schemas["SeenValue"]>;

const named = (id: string) => ({ params: { query: { id } } });

/** The changes of the project or of one model, the newest first. */
export function fetchHistory(id: string | null, signal?: AbortSignal): Promise<History> {
  return answerOf(api.GET("/api/v1/history", { params: { query: id === null ? {} : { id } }, signal }));
}

/** Who did what in the project, the newest first; for admins. */
export async function fetchAudit(signal?: AbortSignal): Promise<AuditEntry[]> {
  return (await answerOf(api.GET("/api/v1/audit", { params: { query: { limit: 1000 } }, signal }))).entries;
}

/** The models that come from one, archived ones too. */
export async function fetchDescendants(id: string, signal?: AbortSignal): Promise<string[]> {
  return (await answerOf(api.GET("/api/v1/model/descendants", { ...named(id), signal }))).models;
}

/** Forget deleted models for good. */
export function purgeProject(): Promise<Schemas["Purged"]> {
  return answerOf(api.POST("/api/v1/purge"));
}

type Made = Promise<Change | null>;

async function made(asked: Promise<{ data?: Schemas["ChangeMade"] }>): Made {
  return (await answerOf(asked)).change;
}

export function deleteModel(id: string, descendants: boolean, reason: string): Made {
  return made(api.DELETE("/api/v1/model", { params: { query: { id, descendants, reason } } }));
}

export function restoreModel(id: string): Made {
  return made(api.POST("/api/v1/model/restore", named(id)));
}

export function renameModel(id: string, next: string, reason: string): Made {
  return made(api.POST("/api/v1/model/rename", { ...named(id), body: { id: next, reason } }));
}

export interface Applied {
  readonly name: string;
  readonly parameters: Readonly<Record<string, Json>>;
}

/** Put a model under another base, or make it a root; its operation stays where none is given. */
export function moveModel(id: string, base: string | null, operation: Applied | null, reason: string): Made {
  const applied: Schemas["AppliedOperation"] | null = operation && {
    name: operation.name,
    parameters: operation.parameters as Schemas["AppliedOperation"]["parameters"],
  };
  const body: Schemas["Rebasing"] = { base, operation: applied, reason };
  return made(api.POST("/api/v1/model/base", { ...named(id), body }));
}

export function archiveModel(id: string, archived: boolean, descendants: boolean, reason: string): Made {
  return made(api.POST("/api/v1/model/archive", { ...named(id), body: { archived, descendants, reason } }));
}

/** Replace a value that was wrong; null removes it. */
export function correctModel(
  id: string,
  metric: string,
  value: number | null,
  { seen, reason }: { seen: SeenValue; reason: string },
): Made {
  const body = { values: { [metric]: asNumber(value) }, seen: { [metric]: seen }, reason } as Schemas["Correcting"];
  return made(api.POST("/api/v1/model/correct", { ...named(id), body }));
}

/** Take a change back. */
export function undoChange(number: number): Made {
  const body: Schemas["Undoing"] = { number };
  return made(api.POST("/api/v1/undo", { body }));
}

/** A number as JSON can say it. */
export function asNumber(value: number | null): Schemas["SeenValue"]["value"] | null {
  return value === null || Number.isFinite(value) ? value : (String(value) as "NaN" | "Infinity" | "-Infinity");
}
