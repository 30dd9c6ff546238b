/** What a merge is about, in words, and what is still to be decided. */
import type { MergeChoice, Merged, MergePreview } from "@/api/merging";
import { plural } from "@/format";

/** Conflicts that are listed one by one; those behind them are decided together. */
export const LISTED = 200;

export type Rule = MergeChoice | "refuse";

/** How many conflicts nothing has decided yet. */
export function undecided(preview: MergePreview, choices: Readonly<Record<string, MergeChoice>>, rule: Rule): number {
  return preview.conflicts.filter(
    ({ title, both }) => !(title in choices) && (rule === "refuse" || (rule === "both" && !both)),
  ).length;
}

/** What a merge would bring: `3 of 10 models are new. 2 conflicts.` */
export function previewWords({ num_models, num_new, conflicts }: MergePreview): string {
  const are = num_new === 1 ? "is" : "are";
  const models = `${num_new.toLocaleString("en")} of ${plural(num_models, "model")} ${are} new.`;
  const found = plural(conflicts.length, "conflict");
  return `${models} ${conflicts.length === 0 ? "Nothing contradicts what is here." : `${found}.`}`;
}

/** What a merge has brought. */
export function mergedWords({ added, renamed, num_conflicts }: Merged): string {
  const names = Object.entries(renamed).map(([before, after]) => `${before} came in as ${after}`);
  const kinds = Object.entries(added)
    .filter(([kind]) => !kind.startsWith("history"))
    .map(([kind, count]) => plural(count, kind.replaceAll("_", " ").replace(/s$/, "")));
  const conflicts = num_conflicts > 0 ? [`${plural(num_conflicts, "conflict")} decided`] : [];
  const all = [...kinds, ...conflicts, ...names];
  return all.length === 0 ? "Nothing new to merge" : `Merged: ${all.join(", ")}`;
}
