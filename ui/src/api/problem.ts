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
