/** The pages, in the order of their tabs: a view is a folder and a line here. */
import type { Component } from "svelte";
import Behaviors from "./behaviors/Behaviors.svelte";
import Experiments from "./experiments/Experiments.svelte";
import Layers from "./layers/Layers.svelte";
import Models from "./models/Models.svelte";
import Overview from "./overview/Overview.svelte";
import Plan from "./plan/Plan.svelte";

export interface Page {
  /** In the address. */
  id: string;
  title: string;
  component: Component;
}

export const PAGES: readonly Page[] = [
  { id: "overview", title: "Overview", component: Overview },
  { id: "models", title: "Models", component: Models },
  { id: "behaviors", title: "Behaviors", component: Behaviors },
  { id: "layers", title: "Layers", component: Layers },
  { id: "plan", title: "Plan", component: Plan },
  { id: "experiments", title: "Experiments", component: Experiments },
];
