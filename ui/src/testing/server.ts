/** A server for tests: what it answers to each request, and what it was asked. */
import type { Json } from "@/api/json";

export interface Asked {
  /** `POST behaviors`, without the root of the interface and the query. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, Json> | null;
}

/** A problem as the server reports one. */
export class Problem {
  readonly status: number;
  readonly body: { code: string; title: string; detail: string; hint: string };

  constructor(code: string, title: string, detail = "", hint = "", status = 422) {
    this.status = status;
    this.body = { code, title, detail, hint };
  }
}

/** No answer comes, as long as the test goes on. */
export const NEVER = Symbol("never");
/** The server is not there. */
export const UNREACHABLE = Symbol("unreachable");

type Reply = unknown;
export type Answers = Record<string, Reply | ((asked: Asked) => Reply)>;

export const server = {
  answers: {} as Answers,
  asked: [] as Asked[],

  /** Answer from now on like this, and forget what was asked. */
  set(answers: Answers): void {
    this.answers = answers;
    this.asked = [];
  },

  /** What was asked under a name, oldest first. */
  of(name: string): Asked[] {
    return this.asked.filter((asked) => asked.name === name);
  },
};

function respond(reply: Reply, signal: AbortSignal | null | undefined): Promise<Response> {
  if (reply === UNREACHABLE) return Promise.reject(new TypeError("fetch failed"));
  if (reply === NEVER) {
    return new Promise((_, reject) => {
      const end = (): void => reject(new DOMException("aborted", "AbortError"));
      if (signal?.aborted) end();
      else signal?.addEventListener("abort", end);
    });
  }
  if (reply instanceof Response) return Promise.resolve(reply);
  if (reply instanceof Uint8Array) {
    return Promise.resolve(new Response(reply as BodyInit, { headers: { "X-Revision": "1" } }));
  }
  if (reply instanceof Problem) {
    return Promise.resolve(new Response(JSON.stringify(reply.body), { status: reply.status, headers: JSON_TYPE }));
  }
  return Promise.resolve(new Response(JSON.stringify(reply), { headers: JSON_TYPE }));
}

const JSON_TYPE = { "Content-Type": "application/json" };

async function answer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = input instanceof Request ? input : null;
  const address = new URL(request?.url ?? String(input), "http://localhost/");
  const name = `${request?.method ?? init?.method ?? "GET"} ${address.pathname.replace(/^\/(api\/v1\/)?/, "")}`;
  const text = request ? await request.clone().text() : ((init?.body ?? "") as string);
  const body = text ? (JSON.parse(text) as Record<string, Json>) : null;
  const asked: Asked = { name, query: address.searchParams, body };
  server.asked.push(asked);
  if (!(name in server.answers)) throw new Error(`The test has no answer to ${name}.`);
  const reply = server.answers[name];
  return respond(
    typeof reply === "function" ? (reply as (asked: Asked) => Reply)(asked) : reply,
    request?.signal ?? init?.signal,
  );
}

// From the beginning, for clients that look once where to ask.
globalThis.fetch = answer as typeof fetch;
