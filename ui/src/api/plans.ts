/** What each layer of a model loses, and plans to a budget that follow from it. */
import { answerOf, api } from "./client";
import { plainRows, type Plain } from "./numbers";
import type { Schemas } from "./types";

export type BudgetKind = Schemas["PlanCurve"]["kind"];
export type Toolkit = Schemas["PlanExport"]["toolkit"];
export type SensitivityRow = Plain<Schemas["SensitivityRow"]>;
export type PlanPoint = Plain<Schemas["PlanPoint"]>;
export interface PlanCurve {
  readonly kind: BudgetKind;
  readonly points: readonly PlanPoint[];
}
export type Sensitivity = Omit<Plain<Schemas["SensitivityAnswer"]>, "rows" | "curves"> & {
  rows: SensitivityRow[];
  curves: PlanCurve[];
};
export type PlanFile = Schemas["PlanFile"];
export type PlanExport = Schemas["PlanExport"];

const ROW = { value: true, change: true, ci_low: true, ci_high: true } as const;
const POINT = { value: true, ci_low: true, ci_high: true } as const;

/** What is known of a model's layers; without rows if they were not measured. */
export async function fetchSensitivity(model: string, signal?: AbortSignal): Promise<Sensitivity> {
  const found = await answerOf(api.GET("/api/v1/sensitivity", { params: { query: { model } }, signal }));
  const [whole] = plainRows([found], { value: true });
  return {
    ...whole!,
    rows: plainRows(found.rows, ROW),
    curves: found.curves.map(({ kind, points }) => ({ kind, points: plainRows(points, POINT) })),
  };
}

/** The plan of a budget, as a recipe of this tool or as the configuration of another one. */
export function exportPlan(ask: PlanExport, signal?: AbortSignal): Promise<PlanFile> {
  return answerOf(api.POST("/api/v1/plans/export", { body: ask, signal }));
}
