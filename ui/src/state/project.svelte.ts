/** The open project. What is on the screen stays there until newer data has come. */
import { ApiError } from "@/api/client";
import { fetchModels, fetchProject, watchRevisions, type Connection } from "@/api/project";
import type { ProjectInfo } from "@/api/types";
import type { ModelTable } from "./table";

export class ProjectStore {
  info: ProjectInfo | null = $state.raw(null);
  table: ModelTable | null = $state.raw(null);
  error: ApiError | null = $state.raw(null);
  connection: Connection = $state("connecting");
  /** True while a request for the project is under way. */
  loading = $state(false);
  #wanted = 0;

  /** Load, then follow the project; returns how to stop. */
  follow(): () => void {
    void this.refresh();
    return watchRevisions(
      (revision) => {
        this.#wanted = Math.max(this.#wanted, revision);
        if (revision > (this.table?.revision ?? -1)) void this.refresh();
      },
      (connection) => {
        // What happened while nobody listened.
        if (connection === "live" && this.connection === "lost") void this.refresh();
        this.connection = connection;
      },
    );
  }

  /** Fetch everything again; one request at a time, and once more if something newer was announced meanwhile. */
  async refresh(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      const info = await fetchProject();
      const table = await fetchModels(info.metrics);
      this.info = info;
      this.table = table;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      this.loading = false;
    }
    if (!this.error && this.table && this.#wanted > this.table.revision) await this.refresh();
  }
}
