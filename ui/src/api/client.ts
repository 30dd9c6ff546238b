/** Every request the page makes, typed from the server's schema: path, query, body and answer. */
import createClient, { type Middleware } from "openapi-fetch";
import { cachedAnswer, readCache } from "./cache";
import { ApiError, type Told } from "./problem";
import type { paths } from "./schema.gen";

const CACHE = readCache();
/** Whether the page is in a file, which knows what it knows and can change nothing. */
export const isFile = CACHE !== null;

/** Where the page is: addresses are below it, so that a proxy in front of the server does not matter. */
const HERE = globalThis.document?.baseURI ?? "";
const ROOT = URL.canParse(".", HERE) ? new URL(".", HERE).href : "http://localhost/";

/** The list of projects, where this is the page of one of several; see `server/hub.py`. */
export const ALL_PROJECTS = /\/p\/[^/]+\/$/.test(new URL(ROOT).pathname) ? "../../" : null;

/** The server takes nothing that changes something unless it is JSON, even where there is nothing to say. */
const asJson: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("Content-Type", "application/json");
  },
};

export const api = createClient<paths>({ baseUrl: ROOT, fetch: send });
api.use(asJson);

/** The answer, whose status is 2xx; else an `ApiError` is thrown. */
async function send(request: Request): Promise<Response> {
  if (CACHE) return cachedAnswer(CACHE, request);
  const again = request.clone();
  const response = await reach(request);
  if (response.ok) return response;
  const error = new ApiError(response.status, await problemOf(response));
  if (error.code === "task.untrusted" && (await mayRun?.(error))) return send(again);
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

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, {
      code: "network",
      title: "The server cannot be reached.",
      hint: "Check that `compress-compare serve` is still running, then reload.",
    });
  }
}

/** What a request was answered with. */
export async function answerOf<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T;
}

/** The header under whose name the server says how far the answer is; see `api/watches`. */
export function watched(name: string | undefined): Record<string, string> {
  return name === undefined ? {} : { "X-Watch": name };
}

type Gets = {
  [Path in keyof paths]: paths[Path] extends { get: { parameters: { query: infer Q } } } ? Q : Record<string, never>;
};

/** The address of something that is shown or saved rather than read. */
export function addressOf<Path extends keyof paths>(path: Path, query: Gets[Path]): string {
  const asked = new URLSearchParams(query as Record<string, string>).toString();
  return asked ? `${path.slice(1)}?${asked}` : path.slice(1);
}

async function problemOf(response: Response): Promise<Partial<Told>> {
  try {
    return (await response.json()) as Partial<Told>;
  } catch {
    return {};
  }
}
