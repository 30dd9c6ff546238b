/** Work that the server does: operations that can be applied, recipes, and the jobs that came of them. */
import { answerOf, api } from "./client";
import type { Asked, Schemas } from "./types";

export type Job = Schemas["JobAnswer"];
export type JobLog = Schemas["JobLog"];
export type OperationForm = Schemas["OperationForm"];
export type OperationForms = Schemas["OperationForms"];
export type PlannedModel = Schemas["PlannedModel"];

/** Apply an operation to a model; `id` is made by the server where there is none. */
export type OperationAsk = Schemas["OperationAsk"];
/** What makes models: an operation, or a recipe written as YAML. */
export type PlanAsk = OperationAsk | Schemas["RecipeAsk"];
/** That, or measuring: what is not known of models of one root, what their layers put out, what each layer loses. */
export type JobAsk =
  | PlanAsk
  | Schemas["SearchAsk"]
  | Schemas["ShipAsk"]
  | Schemas["MeasureAsk"]
  | Schemas["EvaluateAsk"]
  | Schemas["ActivationsAsk"]
  | Schemas["SensitivityAsk"];

export function fetchForms(signal?: AbortSignal): Promise<OperationForms> {
  return answerOf(api.GET("/api/v1/operations", { signal }));
}

/** The newest jobs, newest first. */
export async function fetchJobs(signal?: AbortSignal): Promise<Job[]> {
  return (await answerOf(api.GET("/api/v1/jobs", { signal }))).jobs;
}

export function startJob(ask: Asked<JobAsk>): Promise<Job> {
  return answerOf(api.POST("/api/v1/jobs", { body: ask as JobAsk }));
}

/** What `startJob` would make, or its error; nothing is queued. */
export async function planJob(ask: PlanAsk, signal?: AbortSignal): Promise<PlannedModel[]> {
  return (await answerOf(api.POST("/api/v1/jobs/plan", { body: ask, signal }))).models;
}

/** Id → predicted packed bytes; null where they cannot be told. */
export async function planSizes(recipe: string, signal?: AbortSignal): Promise<Record<string, number | null>> {
  return (await answerOf(api.POST("/api/v1/jobs/plan/sizes", { body: { recipe }, signal }))).sizes;
}

export async function cancelJobs(ids: readonly string[]): Promise<Job[]> {
  return (await answerOf(api.POST("/api/v1/jobs/cancel", { body: { ids: [...ids] } }))).jobs;
}

export function retryJob(id: string): Promise<Job> {
  return answerOf(api.POST("/api/v1/jobs/retry", { params: { query: { id } } }));
}

/** The end of what a job printed. */
export function fetchLog(id: string, signal?: AbortSignal): Promise<JobLog> {
  return answerOf(api.GET("/api/v1/jobs/log", { params: { query: { id, limit: 16_000 } }, signal }));
}

export type ShipFormats = Schemas["ShipFormats"];
export type ShipFormat = Schemas["ShipFormat"];

/** The formats that models can be shipped in, and the roots whose models can be run. */
export function fetchShipFormats(signal?: AbortSignal): Promise<ShipFormats> {
  return answerOf(api.GET("/api/v1/ship/formats", { signal }));
}
