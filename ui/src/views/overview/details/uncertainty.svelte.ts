/** Standard errors of the metrics of a few models, fetched once for each revision and kept. */
import { ApiError } from "@/api/client";
import { fetchModel } from "@/api/models";

/** Above this many, whiskers would not be told apart, and it is not worth the requests. */
const MOST_MODELS = 40;

export class Uncertainty {
  #revision = -1;
  readonly #asked = new Set<string>();
  #known: ReadonlyMap<string, ReadonlyMap<string, number>> = $state.raw(new Map());

  /** Fetch what is not known yet; the charts show it when it is there. */
  want(ids: readonly string[], revision: number): void {
    if (revision !== this.#revision) {
      this.#revision = revision;
      this.#asked.clear();
    }
    if (ids.length > MOST_MODELS) return;
    const missing = ids.filter((id) => !this.#asked.has(id));
    if (missing.length > 0) void this.#fetch(missing);
  }

  /** The standard error of a model's metric over everything; null where none is known. */
  of(id: string, metric: string): number | null {
    return this.#known.get(id)?.get(metric) ?? null;
  }

  async #fetch(ids: readonly string[]): Promise<void> {
    ids.forEach((id) => this.#asked.add(id));
    try {
      const models = await Promise.all(ids.map((id) => fetchModel(id)));
      const known = new Map(this.#known);
      for (const model of models) {
        const whole = model.metrics.filter((reading) => reading.slice === null && reading.standard_error !== null);
        known.set(model.id, new Map(whole.map((reading) => [reading.name, reading.standard_error!])));
      }
      this.#known = known;
    } catch (error) {
      // a chart without whiskers is still right; what failed is asked for again with the next selection
      if (!(error instanceof ApiError)) throw error;
      ids.forEach((id) => this.#asked.delete(id));
    }
  }
}
