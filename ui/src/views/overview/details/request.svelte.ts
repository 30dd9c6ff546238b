/** The answer to a request that follows its inputs: the old answer stays until the new one is here. */
import { ApiError } from "@/api/client";

export interface Answer<T> {
  readonly value: T | null;
  readonly error: ApiError | null;
  /** True while a newer answer is on its way. */
  readonly loading: boolean;
}

/**
 * Asks whenever what `ask` reads changes; call it while a component is made. A request that is overtaken is aborted.
 * `ask` returns null when there is nothing to ask.
 */
export function follow<T>(ask: () => ((signal: AbortSignal) => Promise<T>) | null): Answer<T> {
  let value: T | null = $state.raw(null);
  let error: ApiError | null = $state.raw(null);
  let loading = $state(false);
  $effect(() => {
    const request = ask();
    if (!request) return;
    const controller = new AbortController();
    loading = true;
    request(controller.signal).then(
      (answer) => {
        if (controller.signal.aborted) return;
        [value, error, loading] = [answer, null, false];
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        if (!(reason instanceof ApiError)) throw reason;
        [error, loading] = [reason, false];
      },
    );
    return () => controller.abort();
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
  };
}
