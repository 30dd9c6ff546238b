/** Work that the server does: operations that can be applied, recipes, and the jobs that came of them. */
import { requestJson } from "./client";
import type { Schemas } from "./types";

export type Job = Schemas["JobAnswer"];
export type JobLog = Schemas["JobLog"];
export type OperationForm = Schemas["OperationForm"];
export type OperationForms = Schemas["OperationForms"];
export type PlannedModel = Schemas["PlannedModel"];

/** Apply an operation to a model; `id` is made by the server where there is none. */
export interface OperationAsk {
  kind: "operation";
  model: string;
  operation: string;
  parameters: Record<string, unknown>;
  references: Record<string, string>;
  id?: string;
}

/** Make the models of a recipe, written as YAML. */
export interface RecipeAsk {
  kind: "recipe";
  recipe: string;
}

/** Measure what is not known yet of models of one root. */
export interface MeasureAsk {
  kind: "measure";
  models: string[];
}

/** Compare what the layers of models put out on the first examples of their task. */
export interface ActivationsAsk {
  kind: "activations";
  base: string;
  models: readonly string[];
  examples: number;
}

export type PlanAsk = OperationAsk | RecipeAsk;
export type JobAsk = PlanAsk | MeasureAsk | ActivationsAsk;

export function fetchForms(signal?: AbortSignal): Promise<OperationForms> {
  return requestJson<OperationForms>("operations", { signal });
}

/** The newest jobs, newest first. */
export async function fetchJobs(signal?: AbortSignal): Promise<Job[]> {
  return (await requestJson<Schemas["JobsAnswer"]>("jobs", { signal })).jobs;
}

export function startJob(ask: JobAsk): Promise<Job> {
  return requestJson<Job>("jobs", { method: "POST", body: ask });
}

/** What `startJob` would make, or its error; nothing is queued. */
export async function planJob(ask: PlanAsk, signal?: AbortSignal): Promise<PlannedModel[]> {
  return (await requestJson<Schemas["PlanAnswer"]>("jobs/plan", { method: "POST", body: ask, signal })).models;
}

/** Id → predicted packed bytes; null where they cannot be told. */
export async function planSizes(recipe: string, signal?: AbortSignal): Promise<Record<string, number | null>> {
  return (await requestJson<Schemas["PlanSizes"]>("jobs/plan/sizes", { method: "POST", body: { recipe }, signal }))
    .sizes;
}

export async function cancelJobs(ids: readonly string[]): Promise<Job[]> {
  return (await requestJson<Schemas["JobsAnswer"]>("jobs/cancel", { method: "POST", body: { ids } })).jobs;
}

export function retryJob(id: string): Promise<Job> {
  return requestJson<Job>("jobs/retry", { method: "POST", query: { id }, body: {} });
}

/** The end of what a job printed. */
export function fetchLog(id: string, signal?: AbortSignal): Promise<JobLog> {
  return requestJson<JobLog>("jobs/log", { query: { id, limit: 16_000 }, signal });
}
