/** A gate: a model held against rules, and the rules that the project keeps. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Schemas } from "./types";

export type GateCheck = Plain<Schemas["GateCheckAnswer"]>;
export type GateAnswer = Omit<Schemas["GateAnswer"], "checks"> & { checks: GateCheck[] };

/** Hold a model against rules, written as YAML; the base is the root of its lineage where none is given. */
export async function runGate(model: string, base: string | null, rules: string): Promise<GateAnswer> {
  const body: Schemas["GateAsk"] = { model, base, rules };
  const answer = await answerOf(api.POST("/api/v1/gate", { body }));
  return { ...answer, checks: plainRows(answer.checks, { value: true, low: true, high: true, limit: true }) };
}

export async function fetchRules(signal?: AbortSignal): Promise<string | null> {
  return (await answerOf(api.GET("/api/v1/gate/rules", { signal }))).rules;
}

/** Keep rules with the project; an empty text keeps none. */
export async function keepRules(rules: string): Promise<string | null> {
  const body: Schemas["GateRulesText"] = { rules };
  return (await answerOf(api.POST("/api/v1/gate/rules", { body }))).rules;
}

/** The ids of the models that meet a condition. */
export async function findModels(where: string, signal?: AbortSignal): Promise<string[]> {
  return (await answerOf(api.GET("/api/v1/models/find", { params: { query: { where } }, signal }))).models;
}
