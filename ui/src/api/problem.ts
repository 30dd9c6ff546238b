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
