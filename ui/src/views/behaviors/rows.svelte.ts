/** The instances that are listed, page by page as they come into view. The old list stays until the new one is here. */
import { ApiError } from "@/api/client";
import { fetchBehaviors, type Comparison, type Condition, type Row } from "@/api/behaviors";
import { pagesOf } from "./window";

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
  readonly #asked = new Map<number, AbortController>();

  constructor(ask: () => Listed | null) {
    $effect(() => {
      const listed = ask();
      if (!listed) return;
      const controller = new AbortController();
      this.loading = true;
      fetchPage(listed, 0, controller.signal).then(
        (answer) => {
          for (const asked of this.#asked.values()) asked.abort();
          this.#asked.clear();
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
    const about = this.about;
    if (!about) return;
    const wanted = pagesOf(first, Math.min(count, about.total - first), PAGE);
    for (const [page, asked] of this.#asked) {
      if (!wanted.includes(page)) {
        asked.abort();
        this.#asked.delete(page);
      }
    }
    for (const page of wanted) {
      if (this.#pages.has(page) || this.#asked.has(page)) continue;
      const controller = new AbortController();
      this.#asked.set(page, controller);
      fetchPage(about, page, controller.signal).then(
        (answer) => {
          if (controller.signal.aborted) return;
          this.#asked.delete(page);
          const near = [...this.#pages].sort(([a], [b]) => Math.abs(a - page) - Math.abs(b - page));
          this.#pages = new Map([[page, answer.instances ?? []], ...near.slice(0, KEPT - 1)]);
        },
        (reason: unknown) => {
          this.#asked.delete(page);
          this.#failed(reason, controller.signal);
        },
      );
    }
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
