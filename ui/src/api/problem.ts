import type { Schemas } from "./types";

type Task = Schemas["TaskAllow"];

/** What a problem says of itself. */
export type Told = Pick<Schemas["Problem"], "code" | "title" | "detail" | "hint"> & { task: Task };

/** A problem the server reported (RFC 9457), or that it could not be reached (`code` "network"). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint: string;
  /** What would run, where that was not allowed yet. */
  readonly task: Task | null;

  constructor(status: number, problem: Partial<Told>) {
    super(problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? `http.${status}`;
    this.detail = problem.detail ?? "";
    this.hint = problem.hint ?? "";
    this.task = problem.task ?? null;
  }
}

/** Waits for an answer. What the server refuses is told to `refused`, and the answer is null then. */
export async function answered<T>(request: Promise<T>, refused: (error: ApiError) => void): Promise<T | null> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refused(error);
    return null;
  }
}
