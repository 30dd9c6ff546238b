/** The answer to a request that follows its inputs: the old answer stays until the new one is here. */
import { isFile } from "@/api/client";
import { ApiError } from "@/api/problem";
import { cancelWatch, fetchWatch, watchName, type Watched } from "@/api/watches";

/** Milliseconds after which a person is told how far an answer is, and how often. */
const PATIENCE = 400;
const EVERY = 250;

export interface Answer<T> {
  readonly value: T | null;
  readonly error: ApiError | null;
  /** True while a newer answer is on its way. */
  readonly loading: boolean;
  /** How far the newer answer is; null unless it takes long. */
  readonly progress: Watched | null;
  /** End the request, and stay with the old answer. */
  cancel(): void;
  /** Ask once more. */
  again(): void;
}

/**
 * Asks whenever what `ask` reads changes; call it while a component is made. A request that is overtaken is aborted.
 * `ask` returns null when there is nothing to ask.
 */
export function follow<T>(ask: () => ((signal: AbortSignal, watch: string) => Promise<T>) | null): Answer<T> {
  let value: T | null = $state.raw(null);
  let error: ApiError | null = $state.raw(null);
  let loading = $state(false);
  let progress: Watched | null = $state.raw(null);
  let asked = $state(0);
  let current: { watch: string; controller: AbortController } | null = null;

  /** Ask how far the request is, for as long as it is the one that is waited for. */
  async function look(watch: string): Promise<void> {
    if (current?.watch !== watch || !loading) return;
    const found = await fetchWatch(watch);
    if (current?.watch !== watch || !loading) return;
    progress = found ?? progress;
    window.setTimeout(() => void look(watch), EVERY);
  }

  $effect(() => {
    const request = ask();
    void asked;
    if (!request) return;
    const controller = new AbortController();
    const watch = watchName();
    current = { watch, controller };
    [loading, progress] = [true, null];
    if (!isFile) window.setTimeout(() => void look(watch), PATIENCE);
    request(controller.signal, watch).then(
      (answer) => {
        if (controller.signal.aborted) return;
        [value, error, loading, progress] = [answer, null, false, null];
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        if (!(reason instanceof ApiError)) throw reason;
        [error, loading, progress] = [reason, false, null];
      },
    );
    return () => {
      controller.abort();
      // the next request takes its place, or the component is gone: nobody asks how far this one is any more
      current = null;
      // nobody waits any more for what takes long
      if (progress) void cancelWatch(watch).catch(() => undefined);
    };
  });
  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get loading() {
      return loading;
    },
    get progress() {
      return progress;
    },
    cancel() {
      if (current && loading) void cancelWatch(current.watch);
    },
    again() {
      asked += 1;
    },
  };
}
