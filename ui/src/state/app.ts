/** The stores of one page, handed to components through Svelte's context. */
import { createContext } from "svelte";
import type { ChangesStore } from "./changes.svelte";
import type { JobsStore } from "./jobs.svelte";
import type { ProjectStore } from "./project.svelte";
import type { ThemeState } from "./theme.svelte";
import type { TourState } from "./tour.svelte";
import type { ViewStore } from "./view.svelte";

export interface AppState {
  project: ProjectStore;
  view: ViewStore;
  theme: ThemeState;
  jobs: JobsStore;
  changes: ChangesStore;
  /** Null in a file, which has one page. */
  tour: TourState | null;
}

/** `const { project, view, theme } = useApp()` at the top of a component; `provideApp` once, at the root. */
export const [useApp, provideApp] = createContext<AppState>();
