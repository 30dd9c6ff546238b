/** The search that is being asked for: its space, what is to be good, what it must keep to, and when it ends. */
import { planJob, startJob, type PlannedModel } from "@/api/jobs";
import { answered, type ApiError } from "@/api/problem";
import type { JobsStore } from "@/state/jobs.svelte";
import { countOf, recipeOf, type SpaceStep } from "./space";

const KEPT = "compress-compare.search";
/** More operations than these make a space that nobody wants to search. */
export const MOST_STEPS = 4;

export interface Budget {
  readonly metric: string;
  /** With or without a unit: `300 kB`. */
  readonly bound: string;
}

export interface Search {
  readonly from: "operations" | "recipe";
  readonly steps: readonly SpaceStep[];
  /** Null: the primary metrics. */
  readonly objectives: readonly string[] | null;
  readonly budgets: readonly Budget[];
  readonly models: number;
  readonly patience: number;
}

const FIRST: Search = {
  from: "operations",
  steps: [
    { operation: "magnitude prune", parameter: "amount", values: "0.3, 0.5, 0.7, 0.9" },
    { operation: "quantize", parameter: "bits", values: "8, 4, 3" },
  ],
  objectives: null,
  budgets: [],
  models: 20,
  patience: 8,
};

export class SearchDraft {
  asked: Search = $state.raw(kept());
  error: ApiError | null = $state.raw(null);
  planned: readonly PlannedModel[] | null = $state.raw(null);
  busy = $state(false);
  readonly #jobs: JobsStore;

  constructor(jobs: JobsStore) {
    this.#jobs = jobs;
  }

  set(change: Partial<Search>): void {
    this.asked = { ...this.asked, ...change };
    [this.error, this.planned] = [null, null];
    sessionStorage.setItem(KEPT, JSON.stringify(this.asked));
  }

  setStep(at: number, change: Partial<SpaceStep>): void {
    this.set({ steps: this.asked.steps.map((step, k) => (k === at ? { ...step, ...change } : step)) });
  }

  setBudget(at: number, change: Partial<Budget>): void {
    this.set({ budgets: this.asked.budgets.map((budget, k) => (k === at ? { ...budget, ...change } : budget)) });
  }

  /** The space as a recipe; `written` is that of the other tab. */
  recipe(base: string, written: string): string {
    return this.asked.from === "recipe" ? written : recipeOf(base, this.asked.steps);
  }

  /** How many models the operations make at most. */
  get count(): number {
    return countOf(this.asked.steps);
  }

  /** Say which models there are to search among. */
  async plan(recipe: string): Promise<void> {
    this.planned = await this.#ask(planJob({ kind: "recipe", recipe }));
  }

  async start(recipe: string, objectives: readonly string[]): Promise<boolean> {
    const { budgets, models, patience } = this.asked;
    const bounds = Object.fromEntries(
      budgets.filter(({ bound }) => bound.trim()).map((one) => [one.metric, one.bound]),
    );
    const ask = {
      kind: "search" as const,
      recipe,
      objectives: [...objectives],
      budgets: bounds,
      models,
      patience,
      seed: 0,
    };
    const job = await this.#ask(startJob(ask));
    if (job) void this.#jobs.refresh();
    return job !== null;
  }

  async #ask<T>(request: Promise<T>): Promise<T | null> {
    this.busy = true;
    let error: ApiError | null = null;
    try {
      return await answered(request, (refusal) => (error = refusal));
    } finally {
      [this.error, this.busy] = [error, false];
    }
  }
}

function kept(): Search {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    return { ...FIRST, ...(found as Partial<Search>) };
  } catch {
    return FIRST;
  }
}
