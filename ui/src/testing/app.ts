/** The page's real stores around a small project, and components shown with them. Import it before any other module. */
import { server, type Answers } from "./server";
import { cleanup, configure, render, type RenderResult } from "@testing-library/svelte";
import type { Component } from "svelte";
import { afterEach, beforeEach } from "vitest";
import type { ProjectInfo } from "@/api/types";
import type { AppState } from "@/state/app";
import { ChangesStore } from "@/state/changes.svelte";
import { JobsStore } from "@/state/jobs.svelte";
import { ProjectStore } from "@/state/project.svelte";
import type { ModelTable } from "@/state/table";
import { metric, testTable } from "@/state/testing";
import { ThemeState } from "@/state/theme.svelte";
import { ViewStore } from "@/state/view.svelte";
import { clipboard, install } from "./browser";
import InApp from "./InApp.svelte";

// On a busy machine what a test waits for may take longer than the second that is usual.
configure({ asyncUtilTimeout: 60_000 });

export * from "./server";
export { clipboard };

export const ACCURACY = metric("Accuracy", {
  format: ".1%",
  higher_is_better: true,
  primary: true,
  min: 0,
  max: 1,
  description: "Share that is right.",
});
export const BYTES = metric("Size", { unit: "B", format: ".3s", higher_is_better: false, primary: true, min: 0 });

/** A network, two that were pruned, one of them trained again, and one whose accuracy is not known. */
export const TABLE = testTable(
  [
    { id: "cnn", operation: "train", parameters: { epochs: 3 }, values: [0.98, 400_000] },
    { id: "p50", base: "cnn", operation: "prune", parameters: { amount: 0.5 }, values: [0.9, 200_000], tags: ["half"] },
    { id: "p50-ft", base: "p50", operation: "finetune", parameters: { epochs: 1 }, values: [0.97, 200_000] },
    { id: "p90", base: "cnn", operation: "prune", parameters: { amount: 0.9 }, values: [0.4, 40_000] },
    { id: "new", base: "cnn", operation: "quantize", parameters: { bits: 4 }, values: [null, 50_000] },
  ],
  [ACCURACY, BYTES],
);

export interface AppOptions {
  table?: ModelTable;
  /** The part of the address after `#`. */
  address?: string;
  datasets?: ProjectInfo["datasets"];
  answers?: Answers;
}

const made: ViewStore[] = [];

/** The stores, with the project there already. */
export function makeApp({ table = TABLE, address = "", datasets = [], answers = {} }: AppOptions = {}): AppState {
  server.set({ "GET jobs": { jobs: [] }, ...answers });
  window.history.replaceState(null, "", `#${address}`);
  const theme = new ThemeState();
  const project = new ProjectStore();
  project.table = table;
  project.info = {
    name: "demo",
    revision: 1,
    metrics: table.metrics,
    datasets,
    operations: [],
  } as unknown as ProjectInfo;
  const view = new ViewStore(project, theme);
  made.push(view);
  return { project, view, theme, jobs: new JobsStore(project), changes: new ChangesStore(project), tour: null };
}

/** A component that finds these stores. */
export function show<Props extends Record<string, unknown>>(
  component: Component<Props>,
  props: Props,
  app: AppState,
): RenderResult<Component> {
  return render(InApp as Component, { props: { app, component, props } } as never);
}

beforeEach(() => {
  install();
  localStorage.clear();
  clipboard.writeText.mockClear();
});
afterEach(() => {
  cleanup();
  // What waits to be written into the address is written while there still is one.
  for (const view of made.splice(0)) view.update({});
});
