/** What can be changed about a model. */
import { isFile } from "@/api/client";
import type { AppState } from "@/state/app";
import type { Kind } from "@/state/changes.svelte";
import type { MenuItem } from "@/widgets/Menu.svelte";

const LABELS: readonly (readonly [Kind, string])[] = [
  ["rename", "Rename…"],
  ["move", "Move under another base…"],
  ["correct", "Correct a value…"],
  ["evaluate", "Evaluate…"],
  ["archive", "Archive…"],
  ["delete", "Delete…"],
];

/** What is done with a model as it is. A check only reads; a ship is a job that adds a model. */
export function releaseActions({ changes, project }: AppState, model: string): MenuItem[] {
  if (isFile) return [];
  return [
    { label: "Check against rules…", run: () => changes.ask({ kind: "gate", model }) },
    { label: "Ship…", run: () => changes.ask({ kind: "ship", model }), refusal: project.refusal("run") },
  ];
}

/** A group of a model's menu; empty in a file. */
export function changeActions({ changes, project }: AppState, model: string): MenuItem[] {
  if (isFile) return [];
  return LABELS.map(([kind, label]) => ({
    label,
    run: () => changes.ask({ kind, model }),
    refusal: kind === "evaluate" ? project.refusal("run") : changes.refusal,
  }));
}
