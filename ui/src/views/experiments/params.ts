/** What the page keeps in the address beside the selection. */
import type { ViewState } from "@/state/url";
import type { Typed } from "./schema";

export const TABS = ["operation", "recipe", "search"] as const;
export type Tab = (typeof TABS)[number];

export interface Params {
  tab: Tab;
  operation: string;
  /** What was typed, by parameter; what is as it was at first is left out. */
  typed: Typed;
  /** References of the operation, by role. */
  references: Readonly<Record<string, string>>;
  /** Of the new model; empty: the server's. */
  id: string;
  /** The job whose log is open. */
  job: string | null;
}

export const DEFAULTS: Params = {
  tab: "operation",
  operation: "magnitude prune",
  typed: {},
  references: {},
  id: "",
  job: null,
};

type Own = ViewState["own"];

/** The page's own part of the address; other names are kept. */
export function writeParams(params: Params, before: Own): Own {
  const written: Record<string, readonly string[]> = {
    ...before,
    do: params.tab === DEFAULTS.tab ? [] : [params.tab],
    operation: params.operation === DEFAULTS.operation ? [] : [params.operation],
    set: Object.entries(params.typed).map((pair) => JSON.stringify(pair)),
    ref: Object.entries(params.references).map((pair) => JSON.stringify(pair)),
    id: params.id ? [params.id] : [],
    job: params.job === null ? [] : [params.job],
  };
  return Object.fromEntries(Object.entries(written).filter(([, texts]) => texts.length > 0));
}

/** The inverse of `writeParams`; what cannot be understood is the default. */
export function readParams(own: Own): Params {
  const references = pairs(own.ref).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return {
    tab: TABS.find((known) => known === own.do?.[0]) ?? DEFAULTS.tab,
    operation: own.operation?.[0] ?? DEFAULTS.operation,
    typed: Object.fromEntries(pairs(own.set)),
    references: Object.fromEntries(references),
    id: own.id?.[0] ?? "",
    job: own.job?.[0] ?? null,
  };
}

function pairs(texts: readonly string[] = []): [string, string | boolean][] {
  return texts.flatMap((text) => {
    try {
      const found: unknown = JSON.parse(text);
      if (!Array.isArray(found) || found.length !== 2 || typeof found[0] !== "string") return [];
      const value: unknown = found[1];
      return typeof value === "string" || typeof value === "boolean" ? [[found[0], value]] : [];
    } catch {
      return [];
    }
  });
}
