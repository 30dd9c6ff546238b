/** What can be changed about a model. */
import { isFile } from "@/api/client";
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

/** What is done with a model as it is: neither needs a project that can be changed, but a ship adds a model. */
export function releaseActions({ changes }: AppState, model: string): MenuItem[] {
  if (isFile) return [];
  return [
    { label: "Check against rules…", run: () => changes.ask({ kind: "gate", model }) },
    { label: "Ship…", run: () => changes.ask({ kind: "ship", model }), unless: !changes.possible },
  ];
}

/** A group of a model's menu; empty where nothing can be changed. */
export function changeActions({ changes }: AppState, model: string): MenuItem[] {
  if (!changes.possible) return [];
  return LABELS.map(([kind, label]) => ({ label, run: () => changes.ask({ kind, model }) }));
}
