/** What can be changed about a model. */
import type { AppState } from "@/state/app";
import type { Kind } from "@/state/changes.svelte";
import type { MenuItem } from "@/widgets/Menu.svelte";

const LABELS: readonly (readonly [Kind, string])[] = [
  ["rename", "Rename…"],
  ["move", "Move under another base…"],
  ["correct", "Correct a value…"],
  ["archive", "Archive…"],
  ["delete", "Delete…"],
];

/** A group of a model's menu; empty where nothing can be changed. */
export function changeActions({ changes }: AppState, model: string): MenuItem[] {
  if (!changes.possible) return [];
  return LABELS.map(([kind, label]) => ({ label, run: () => changes.ask({ kind, model }) }));
}
