/** What the page of plans keeps in the address. */
import type { BudgetKind } from "@/api/plans";
import type { ViewState } from "@/state/url";

export const KINDS = ["bytes", "bits_per_weight", "macs", "latency"] as const satisfies readonly BudgetKind[];

export interface Params {
  /** The model that is planned for; null: the first selected one, else the first root. */
  model: string | null;
  kind: BudgetKind;
  /** In the unit of the kind; null: nothing is compressed. */
  budget: number | null;
}

type Own = ViewState["own"];

export function readParams(own: Own): Params {
  const budget = Number(own.budget?.[0] ?? NaN);
  return {
    model: own.model?.[0] ?? null,
    kind: KINDS.find((kind) => kind === own.kind?.[0]) ?? "bytes",
    budget: Number.isFinite(budget) && budget > 0 ? budget : null,
  };
}

/** The page's own part of the address; other names are kept. */
export function writeParams(params: Params, before: Own): Own {
  const { model, kind, budget } = params;
  const written: Record<string, readonly string[]> = {
    ...before,
    model: model === null ? [] : [model],
    kind: kind === "bytes" ? [] : [kind],
    budget: budget === null ? [] : [String(Number(budget.toPrecision(6)))],
  };
  return Object.fromEntries(Object.entries(written).filter(([, texts]) => texts.length > 0));
}
