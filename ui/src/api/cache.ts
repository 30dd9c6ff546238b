/** Answers that a file carries along, so that the page in it needs no server: by method, path and what was asked. */
import { ApiError } from "./problem";

export type Cache = Readonly<Record<string, unknown>>;

/** What is before a path in the address of a request. */
const API = "/api/v1/";

/** The answers in this file; null where the page comes from a server. */
export function readCache(): Cache | null {
  const text = globalThis.document?.getElementById("answers")?.textContent;
  return text ? (JSON.parse(text) as Cache) : null;
}

/** How a request is called in a file. */
export async function nameOf(request: Request): Promise<string> {
  const { pathname, searchParams } = new URL(request.url);
  const text = request.method === "GET" ? "" : await request.clone().text();
  const asked = (text ? JSON.parse(text) : {}) as { models?: readonly string[]; base?: string; what?: string };
  const models = asked.models && JSON.stringify([...asked.models].sort());
  const compared = asked.what && `${asked.what} ${JSON.stringify(asked.base)} ${models}`;
  const detail =
    searchParams.get("id") ?? searchParams.get("metric") ?? searchParams.get("model") ?? compared ?? models;
  const path = pathname.slice(pathname.indexOf(API) + API.length);
  return [request.method, path, detail].filter((part) => part !== undefined && part !== null).join(" ");
}

/** The answer to a request, as the server gave it when the file was made. */
export async function cachedAnswer(cache: Cache, request: Request): Promise<Response> {
  const answer = cache[await nameOf(request)];
  if (answer === undefined) {
    throw new ApiError(0, {
      code: "kept.unasked",
      title: "This file does not contain that answer.",
      hint: "Open the project with `compress-compare serve` to ask.",
    });
  }
  if (!isStream(answer)) return new Response(JSON.stringify(answer));
  const bytes = Uint8Array.from(atob(answer.arrow), (character) => character.charCodeAt(0));
  return new Response(bytes, { headers: { "X-Revision": String(answer.revision ?? 0) } });
}

function isStream(answer: unknown): answer is { arrow: string; revision?: number } {
  return typeof answer === "object" && answer !== null && "arrow" in answer;
}
