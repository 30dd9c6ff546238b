/** Answers that a file carries along, so that the page in it needs no server: by method, path and what was asked. */
import { ApiError, type RequestOptions } from "./client";

export type Kept = Readonly<Record<string, unknown>>;

/** The answers in this file; null where the page comes from a server. */
export function readKept(): Kept | null {
  const text = globalThis.document?.getElementById("answers")?.textContent;
  return text ? (JSON.parse(text) as Kept) : null;
}

/** How a request is called in a file. */
export function nameOf(path: string, options: RequestOptions): string {
  const { models } = (options.body ?? {}) as { models?: readonly string[] };
  const detail = options.query?.id ?? options.query?.metric ?? (models && JSON.stringify([...models].sort()));
  return [options.method ?? "GET", path, detail].filter((part) => part !== undefined).join(" ");
}

/** The answer to a request, as the server gave it when the file was made. */
export function keptAnswer(kept: Kept, path: string, options: RequestOptions): Response {
  const answer = kept[nameOf(path, options)];
  if (answer === undefined) {
    throw new ApiError(0, {
      code: "kept.unasked",
      title: "This file holds no answer to that.",
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
