/** Answers that a file carries along, so that the page in it needs no server: by method, path and what was asked. */
import { ApiError } from "./problem";

export type Cache = Readonly<Record<string, unknown>>;

/** What a request asks for, with its path. */
export interface Asked {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  body?: unknown;
  query?: Record<string, string | number>;
}

/** The answers in this file; null where the page comes from a server. */
export function readCache(): Cache | null {
  const text = globalThis.document?.getElementById("answers")?.textContent;
  return text ? (JSON.parse(text) as Cache) : null;
}

/** How a request is called in a file. */
export function nameOf(path: string, options: Asked): string {
  const { models } = (options.body ?? {}) as { models?: readonly string[] };
  const detail = options.query?.id ?? options.query?.metric ?? (models && JSON.stringify([...models].sort()));
  return [options.method ?? "GET", path, detail].filter((part) => part !== undefined).join(" ");
}

/** The answer to a request, as the server gave it when the file was made. */
export function cachedAnswer(cache: Cache, path: string, options: Asked): Response {
  const answer = cache[nameOf(path, options)];
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
