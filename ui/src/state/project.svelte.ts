/** The open project. What is on the screen stays there until newer data has come. */
import { isFile } from "@/api/client";
import { ApiError } from "@/api/problem";
import { fetchModels, fetchProject, fetchStandardErrors, watchRevisions, type Connection } from "@/api/project";
import type { ProjectInfo } from "@/api/types";
import { decodeErrors, decodeModels, type StandardErrors } from "./decode";
import type { ModelTable } from "./table";

/** What a token may do; each role includes those before it. */
export type Role = "read" | "log" | "run" | "admin";
const ROLES: readonly string[] = ["read", "log", "run", "admin"];

export class ProjectStore {
  info: ProjectInfo | null = $state.raw(null);
  table: ModelTable | null = $state.raw(null);
  error: ApiError | null = $state.raw(null);
  /** Come after the table, so that nothing waits for them. */
  #errors: { table: ModelTable; errors: StandardErrors } | null = $state.raw(null);
  readonly standardErrors: StandardErrors | null = $derived.by(() =>
    this.#errors && this.#errors.table === this.table ? this.#errors.errors : null,
  );
  connection: Connection = $state("connecting");
  /** Changes with every change to a job. */
  jobsRevision = $state(0);
  /** True while a request for the project is under way. */
  loading = $state(false);
  #again = false;

  /** Why what needs a role may not be done here, in a sentence; null where it may. */
  refusal(needed: Role): string | null {
    if (isFile) return "This is a file: it cannot be changed.";
    const has = this.info?.role || "admin";
    if (ROLES.indexOf(has) < ROLES.indexOf(needed))
      return `Your token has the role “${has}”; this needs “${needed}”. Ask whoever runs the server for another.`;
    return this.info?.read_only ? "This project can only be read here." : null;
  }

  /** Load, then follow the project; returns how to stop. */
  follow(): () => void {
    void this.refresh();
    return watchRevisions(
      (revision) => {
        if (revision > (this.table?.revision ?? -1)) void this.refresh();
      },
      (connection) => {
        // What happened while nobody listened.
        if (connection === "live" && this.connection === "lost") {
          void this.refresh();
          this.jobsRevision += 0.5;
        }
        this.connection = connection;
      },
      (revision) => (this.jobsRevision = revision),
    );
  }

  /** Fetch everything again; one request at a time, and once more if that was asked for or announced meanwhile. */
  async refresh(): Promise<void> {
    this.#again = true;
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.#again) {
        this.#again = false;
        const info = await fetchProject();
        const { bytes, revision } = await fetchModels();
        const table = decodeModels(bytes, info.metrics, revision);
        this.info = info;
        this.table = table;
        this.error = null;
        // What was written between the two answers is in the second alone.
        if (info.revision < revision) this.#again = true;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      this.loading = false;
    }
    if (!this.error && this.table) await this.#measureErrors(this.table);
  }
  /** The standard error of a model's metric over everything; null where none is known. */
  readonly errorOf = (model: number, metric: string): number | null => {
    const error = this.standardErrors?.get(metric)?.[model];
    return error === undefined || Number.isNaN(error) ? null : error;
  };

  /** A picture without intervals is still right: it stays so when they cannot be had. */
  async #measureErrors(table: ModelTable): Promise<void> {
    try {
      this.#errors = { table, errors: decodeErrors(await fetchStandardErrors(), table) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
