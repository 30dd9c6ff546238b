/** The jobs of the project, for the page of experiments and the header. What was there stays until newer has come. */
import { ApiError } from "@/api/problem";
import { fetchJobs, type Job } from "@/api/jobs";
import type { ProjectStore } from "./project.svelte";

export class JobsStore {
  /** Newest first; null before they have come. */
  all: readonly Job[] | null = $state.raw(null);
  error: ApiError | null = $state.raw(null);
  #asking = false;
  #again = false;

  constructor(project: ProjectStore) {
    $effect.root(() => {
      $effect(() => {
        void project.jobsRevision;
        void this.refresh();
      });
    });
  }

  readonly unfinished: readonly Job[] = $derived.by(() =>
    (this.all ?? []).filter((job) => job.parent === null && (job.state === "queued" || job.state === "running")),
  );

  /** Fetch the jobs; one request at a time, and once more if something changed meanwhile. */
  async refresh(): Promise<void> {
    this.#again = true;
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.all = await fetchJobs();
        this.error = null;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      this.#asking = false;
    }
  }
}
