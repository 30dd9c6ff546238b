/** Every request the page makes. Addresses are relative, so that a proxy in front of the server does not matter. */

import { cachedAnswer, readCache, type Asked } from "./cache";
import { ApiError, type Told } from "./problem";

const ROOT = "api/v1/";
const CACHE = readCache();
/** Whether the page is in a file, which knows what it knows and can change nothing. */
export const isFile = CACHE !== null;

export interface RequestOptions extends Asked {
  accept?: string;
  signal?: AbortSignal;
  /** A name under which the server says how far the answer is; see `api/watches`. */
  watch?: string;
}

/** Send a request and return the answer, whose status is 2xx; else throw an `ApiError`. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  if (CACHE) return cachedAnswer(CACHE, path, options);
  const query = new URLSearchParams(Object.entries(options.query ?? {}).map(([key, value]) => [key, String(value)]));
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.watch !== undefined) headers["X-Watch"] = options.watch;
  let response: Response;
  try {
    response = await fetch(`${ROOT}${path}${query.size ? `?${query}` : ""}`, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, {
      code: "network",
      title: "The server cannot be reached.",
      hint: "Check that `compress-compare serve` is still running, then reload.",
    });
  }
  if (response.ok) return response;
  const error = new ApiError(response.status, await problemOf(response));
  if (error.code === "task.untrusted" && (await mayRun?.(error))) return request(path, options);
  throw error;
}

/** Asks the user whether something may run, and has the server know the answer. */
export type MayRun = (error: ApiError) => Promise<boolean>;
let mayRun: MayRun | null = null;

/** Have `ask` called where the server refuses to run something that the user has not allowed yet; returns the end. */
export function askBeforeRunning(ask: MayRun): () => void {
  mayRun = ask;
  return () => (mayRun = null);
}

export async function requestJson<T>(path: string, options?: RequestOptions): Promise<T> {
  return (await (await request(path, options)).json()) as T;
}

async function problemOf(response: Response): Promise<Partial<Told>> {
  try {
    return (await response.json()) as Partial<Told>;
  } catch {
    return {};
  }
}
