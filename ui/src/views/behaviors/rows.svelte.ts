/**
 * The instances that are listed, page by page as they come into view. The old list stays until the new one is here. One
 * page is asked for at a time, and then what is in view by then, so that fast scrolling leaves no queue behind.
 */
import { ApiError } from "@/api/problem";
import { fetchBehaviors, type Comparison, type Condition, type Row } from "@/api/behaviors";
import { pagesOf } from "@/widgets/window";

export const PAGE = 60;
/** Pages that are kept; others are asked for again. */
const KEPT = 12;

interface Listed {
  comparison: Comparison;
  sort: string | null;
  where: readonly Condition[];
}

export class Rows {
  /** What the rows are about; null before the first answer. */
  about: (Listed & { metric: string; columns: readonly string[]; total: number }) | null = $state.raw(null);
  error: ApiError | null = $state.raw(null);
  loading = $state(false);
  #pages: ReadonlyMap<number, readonly Row[]> = $state.raw(new Map());
  #wanted: readonly number[] = [];
  #asked: AbortController | null = null;

  constructor(ask: () => Listed | null) {
    $effect(() => {
      const listed = ask();
      if (!listed) return;
      const controller = new AbortController();
      this.loading = true;
      fetchPage(listed, 0, controller.signal).then(
        (answer) => {
          this.#asked?.abort();
          [this.#asked, this.#wanted] = [null, []];
          this.about = { ...listed, metric: answer.metric, columns: answer.columns, total: answer.total ?? 0 };
          this.#pages = new Map([[0, answer.instances ?? []]]);
          [this.error, this.loading] = [null, false];
        },
        (reason: unknown) => this.#failed(reason, controller.signal),
      );
      return () => controller.abort();
    });
  }

  row(index: number): Row | null {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
  }

  /** Ask for the pages with these rows, and let go of those that nobody looks at. */
  need(first: number, count: number): void {
    if (!this.about) return;
    this.#wanted = pagesOf(first, Math.min(count, this.about.total - first), PAGE);
    this.#ask(this.about);
  }

  #ask(about: Listed): void {
    const page = this.#wanted.find((wanted) => !this.#pages.has(wanted));
    if (page === undefined || this.#asked) return;
    const controller = (this.#asked = new AbortController());
    fetchPage(about, page, controller.signal).then(
      (answer) => {
        if (controller.signal.aborted) return;
        const near = [...this.#pages].sort(([a], [b]) => Math.abs(a - page) - Math.abs(b - page));
        this.#pages = new Map([[page, answer.instances ?? []], ...near.slice(0, KEPT - 1)]);
        this.#asked = null;
        this.#ask(about);
      },
      (reason: unknown) => {
        if (!controller.signal.aborted) this.#asked = null;
        this.#failed(reason, controller.signal);
      },
    );
  }

  #failed(reason: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (!(reason instanceof ApiError)) throw reason;
    [this.error, this.loading] = [reason, false];
  }
}

function fetchPage({ comparison, sort, where }: Listed, page: number, signal: AbortSignal) {
  const instances = { sort, where, limit: PAGE, offset: page * PAGE };
  return fetchBehaviors({ ...comparison, parts: ["instances"], instances }, signal);
}
