/** Which of the compared models the others are held against. */
import type { ModelTable } from "@/state/table";

export interface Base {
  readonly id: string;
  /** As somebody chose it; the selected model that all others come from; their nearest common ancestor, which is not
   * selected itself; or, of models that have none, the one that most of the others come from. */
  readonly how: "chosen" | "selected" | "ancestor" | "unrelated";
}

/**
 * The base of a comparison: the chosen model if it can be used, whether selected or not, else the nearest common
 * ancestor that can be used. A model is never compared with its sibling unless somebody says so.
 */
export function chooseBase(
  ids: readonly string[],
  chosen: string | null,
  table: ModelTable,
  usable: (id: string) => boolean = (id) => ids.includes(id),
): Base | null {
  if (chosen !== null && table.indexOf.has(chosen) && usable(chosen)) return { id: chosen, how: "chosen" };
  const rows = ids.flatMap((id) => table.indexOf.get(id) ?? []);
  const ancestor = commonAncestors(rows, table).find((row) => usable(table.ids[row]!));
  if (ancestor !== undefined) {
    return { id: table.ids[ancestor]!, how: rows.includes(ancestor) ? "selected" : "ancestor" };
  }
  const best = mostDescended(rows, table);
  return best === null ? null : { id: table.ids[best]!, how: "unrelated" };
}

/** The common ancestors of some models, a model counting as its own, the nearest first. */
export function commonAncestors(rows: readonly number[], table: ModelTable): number[] {
  const [first, ...others] = rows.map((row) => lineOf(row, table));
  const known = others.map((line) => new Set(line));
  return (first ?? []).filter((row) => known.every((line) => line.has(row)));
}

/** A model, its parent, and so on to the root. */
function lineOf(row: number, table: ModelTable): number[] {
  const line: number[] = [];
  for (let at = row; at >= 0; at = table.base[at]!) line.push(at);
  return line;
}

/** Of models without a common ancestor the one that most of the others come from, the earliest of those. */
function mostDescended(rows: readonly number[], table: ModelTable): number | null {
  const votes = new Map(rows.map((row) => [row, 0]));
  for (const row of rows) {
    for (const at of lineOf(row, table).slice(1)) if (votes.has(at)) votes.set(at, votes.get(at)! + 1);
  }
  const order = [...votes].sort(([a, x], [b, y]) => y - x || table.step[a]! - table.step[b]! || a - b);
  return order[0]?.[0] ?? null;
}

/** What is said of a base that nobody chose; "" of one that needs no word. */
export function baseWords(base: Base | null): string {
  if (base?.how === "ancestor") return `${base.id} was added as the base: the nearest common ancestor`;
  if (base?.how === "unrelated") return `${base.id} is the base; the models have no common ancestor that could be it`;
  return "";
}

/** Models that can be a base, in groups: those compared, their ancestors, and others, of which there may be many. */
export function baseChoices(
  compared: readonly string[],
  table: ModelTable,
  usable: (id: string) => boolean,
  most = 500,
): { readonly label: string; readonly ids: readonly string[] }[] {
  const seen = new Set<string>();
  const fresh = (ids: readonly string[]): string[] =>
    ids.filter((id) => usable(id) && !seen.has(id) && (seen.add(id), true));
  const rows = compared.flatMap((id) => table.indexOf.get(id) ?? []);
  const groups = [
    { label: "Compared", ids: fresh(compared) },
    { label: "Ancestors", ids: fresh(rows.flatMap((row) => lineOf(row, table)).map((row) => table.ids[row]!)) },
    { label: "Other models", ids: fresh(table.ids.slice(0, most)) },
  ];
  return groups.filter(({ ids }) => ids.length > 0);
}

/** Models with outputs to propose against each other: what was made from a model, itself first; at most a few. */
export function proposal(answered: ReadonlySet<string>, table: ModelTable, around: string | null, most = 5): string[] {
  const has = (row: number): boolean => answered.has(table.ids[row]!);
  const start = around === null ? -1 : (table.indexOf.get(around) ?? -1);
  if (start >= 0 && table.base[start]! >= 0 && has(start) && has(table.base[start]!)) {
    return [table.ids[table.base[start]!]!, around!];
  }
  const roots = start >= 0 ? [start] : table.roots;
  const root = roots.find((row) => has(row) && table.children[row]!.some(has));
  if (root === undefined) return [...answered].slice(0, 2);
  return [root, ...table.children[root]!.filter(has).slice(0, most - 1)].map((row) => table.ids[row]!);
}
