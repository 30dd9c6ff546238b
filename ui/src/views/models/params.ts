/** What the page of all models keeps in the address beside filters and selection. */
import type { ViewState } from "@/state/url";

export interface Params {
  /** Keys of the shown columns in order; null: the primary ones. */
  columns: readonly string[] | null;
  /** Keys of columns that stay in view beside the id. */
  pinned: readonly string[];
  sort: { readonly column: string; readonly descending: boolean } | null;
  /** Rows together by the operation that made them. */
  grouped: boolean;
}

type Own = ViewState["own"];

export function readParams(own: Own): Params {
  const sort = own.sorted?.[0] ?? "";
  return {
    columns: own.columns ? own.columns.filter(Boolean) : null,
    pinned: own.pin ?? [],
    sort: /^[+-]./.test(sort) ? { column: sort.slice(1), descending: sort.startsWith("-") } : null,
    grouped: own.group?.[0] === "operation",
  };
}

/** The page's own part of the address; other names are kept. */
export function writeParams({ columns, pinned, sort, grouped }: Params, before: Own): Own {
  const written: Record<string, readonly string[]> = {
    ...before,
    // without any column, which differs from the default
    columns: columns === null ? [] : columns.length === 0 ? [""] : columns,
    pin: pinned,
    sorted: sort ? [`${sort.descending ? "-" : "+"}${sort.column}`] : [],
    group: grouped ? ["operation"] : [],
  };
  return Object.fromEntries(Object.entries(written).filter(([, texts]) => texts.length > 0));
}
