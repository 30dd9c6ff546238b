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

/** Tell how far a request is, again and again, until it is over: answered, or no longer waited for. */
function tellProgress(watch: string, over: () => boolean, tell: (found: Watched) => void): void {
  const look = async (): Promise<void> => {
    if (over()) return;
    const found = await fetchWatch(watch);
    if (over()) return;
    if (found) tell(found);
    window.setTimeout(() => void look(), EVERY);
  };
  window.setTimeout(() => void look(), PATIENCE);
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

  $effect(() => {
    const request = ask();
    void asked;
    if (!request) return;
    const controller = new AbortController();
    const watch = watchName();
    current = { watch, controller };
    [loading, progress] = [true, null];
    const over = () => controller.signal.aborted || !loading;
    if (!isFile) tellProgress(watch, over, (found) => (progress = found));
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
