/** Every request the page makes. Addresses are relative, so that a proxy in front of the server does not matter. */

import { keptAnswer, readKept } from "./kept";

const ROOT = "api/v1/";
const KEPT = readKept();
/** Whether the page is in a file, which knows what it knows and can change nothing. */
export const isFile = KEPT !== null;

/** A problem the server reported (RFC 9457), or that it could not be reached (`code` "network"). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;

  constructor(status: number, problem: { code?: string; title?: string; detail?: string; hint?: string }) {
    super(problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? `http.${status}`;
    this.detail = problem.detail ?? "";
    this.hint = problem.hint ?? "";
  }
}

export interface RequestOptions {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  body?: unknown;
  query?: Record<string, string | number>;
  accept?: string;
  signal?: AbortSignal;
  /** A name under which the server says how far the answer is; see `api/watches`. */
  watch?: string;
}

/** Send a request and return the answer, whose status is 2xx; else throw an `ApiError`. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  if (KEPT) return keptAnswer(KEPT, path, options);
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
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response;
}

export async function requestJson<T>(path: string, options?: RequestOptions): Promise<T> {
  return (await (await request(path, options)).json()) as T;
}

async function problemOf(response: Response): Promise<Record<string, string>> {
  try {
    return (await response.json()) as Record<string, string>;
  } catch {
    return {};
  }
}
