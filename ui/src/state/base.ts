/** Which of the compared models the others are held against. */
import type { ModelTable } from "@/state/table";

/** The chosen one if it is among them; else the one that the most others descend from, the earliest of those. */
export function chooseBase(ids: readonly string[], chosen: string | null, table: ModelTable): string | null {
  if (chosen !== null && ids.includes(chosen)) return chosen;
  const votes = new Map(ids.map((id) => [table.indexOf.get(id) ?? -1, 0]));
  for (const id of ids) {
    for (let at = table.base[table.indexOf.get(id) ?? -1] ?? -1; at >= 0; at = table.base[at]!) {
      if (votes.has(at)) votes.set(at, votes.get(at)! + 1);
    }
  }
  const order = [...votes].sort(([a, x], [b, y]) => y - x || table.step[a]! - table.step[b]! || a - b);
  const best = order[0]?.[0];
  return best === undefined ? null : (table.ids[best] ?? null);
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
