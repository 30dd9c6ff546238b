/** The recipe that is being written: its text, what is wrong with it, and what it would make. */
import { answered, ApiError } from "@/api/problem";
import { planJob, planSizes, startJob, type PlannedModel } from "@/api/jobs";
import type { JobsStore } from "@/state/jobs.svelte";
import { lineOf } from "./lines";

const KEPT = "compress-compare.recipe";
/** What the server takes. */
export const MOST_CHARACTERS = 64_000;

export class RecipeDraft {
  text = $state(sessionStorage.getItem(KEPT) ?? "");
  error: ApiError | null = $state.raw(null);
  planned: readonly PlannedModel[] | null = $state.raw(null);
  /** Id → bytes; null before they have come. */
  sizes: Readonly<Record<string, number | null>> | null = $state.raw(null);
  sizesError: ApiError | null = $state.raw(null);
  busy = $state(false);
  readonly #refusal: () => string | null;
  readonly #jobs: JobsStore;

  /** `refusal`: why nothing may be run here; null where it may. */
  constructor(jobs: JobsStore, refusal: () => string | null = () => null) {
    this.#refusal = refusal;
    this.#jobs = jobs;
  }

  /** The line, counted from 1, that is wrong. */
  readonly line: number | null = $derived.by(() => (this.error ? lineOf(this.error.detail) : null));

  write(text: string): void {
    this.text = text;
    [this.error, this.planned, this.sizes, this.sizesError] = [null, null, null, null];
    sessionStorage.setItem(KEPT, text);
  }

  /** Say what would be made, then how large it would be. */
  async plan(): Promise<void> {
    const { text } = this;
    const planned = await this.#ask(planJob({ kind: "recipe", recipe: text }));
    if (!planned || text !== this.text) return;
    this.planned = planned;
    const refusal = this.#refusal();
    if (refusal) {
      // sizes are found out by running the operations
      this.sizesError = new ApiError(403, { code: "auth.role", title: refusal, detail: "", hint: "" });
      return;
    }
    try {
      const sizes = await planSizes(text);
      if (text === this.text) [this.sizes, this.sizesError] = [sizes, null];
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (text === this.text) this.sizesError = error;
    }
  }

  async run(): Promise<void> {
    if (await this.#ask(startJob({ kind: "recipe", recipe: this.text }))) void this.#jobs.refresh();
  }

  async #ask<T>(request: Promise<T>): Promise<T | null> {
    const { text } = this;
    this.busy = true;
    try {
      const answer = await answered(request, (error) => {
        if (text === this.text) [this.error, this.planned] = [error, null];
      });
      if (answer !== null) this.error = null;
      return answer;
    } finally {
      this.busy = false;
    }
  }
}
