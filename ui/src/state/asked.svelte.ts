/** The models that meet a condition, as the server finds them; asked again when the project changes. */
import { isFile } from "@/api/client";
import { findModels } from "@/api/gate";
import { ApiError } from "@/api/problem";

export class Asked {
  /** Null while it is not known, or while nothing is asked. */
  found: ReadonlySet<string> | null = $state.raw(null);
  /** Why a condition is not understood. */
  error: ApiError | null = $state.raw(null);

  constructor(where: () => string, revision: () => number | undefined) {
    $effect.root(() => {
      $effect(() => {
        const condition = where();
        void revision();
        if (!condition || isFile) {
          [this.found, this.error] = [null, null];
          return;
        }
        const controller = new AbortController();
        void this.#find(condition, controller.signal);
        return () => controller.abort();
      });
    });
  }

  async #find(condition: string, signal: AbortSignal): Promise<void> {
    try {
      const found = new Set(await findModels(condition, signal));
      if (!signal.aborted) [this.found, this.error] = [found, null];
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      // a condition that is not understood keeps nothing out
      [this.found, this.error] = [null, error];
    }
  }
}
