/** Which models an evaluation is about. */
import type { ModelTable } from "@/state/table";
import { lineageOf } from "@/widgets/facts";

export type Which = "one" | "selected" | "all";

/** The ids of models by their root, one job each; those whose root has no task are left out. */
export function byRoot(table: ModelTable, models: readonly number[], roots: readonly string[]): string[][] {
  const known = new Set(roots);
  const groups = new Map<string, string[]>();
  for (const model of models) {
    const root = table.ids[lineageOf(table, model)[0]!]!;
    if (!known.has(root)) continue;
    const group = groups.get(root) ?? [];
    groups.set(root, group);
    group.push(table.ids[model]!);
  }
  return [...groups.values()];
}
