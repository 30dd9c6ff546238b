/** What the look into a tensor shows: which model, which numbers, and the part in view. */
import { SvelteMap } from "svelte/reactivity";
import { ApiError } from "@/api/problem";
import {
  fetchChannels,
  fetchSpectra,
  fetchTensor,
  fetchTile,
  told,
  type Place,
  type Shown,
  type TensorQuestion,
  type Tile,
} from "@/api/tensors";
import { follow } from "@/state/request.svelte";
import type { LayersState } from "../layers.svelte";
import { readFrame, whole, within, writeFrame, type Frame, type Matrix } from "./frame";
import { eigenLines, singularLines } from "./spectrum";

/** Tiles that are kept: one is at most a megabyte. */
const KEPT = 48;
/** Numbers this many times the root mean square have the full color. */
const FULL = 4;

export class TensorState {
  readonly compared: LayersState;
  /** The cell that the pointer or the arrow keys are on, in numbers. */
  cursor: { row: number; column: number } | null = $state.raw(null);

  constructor(compared: LayersState) {
    this.compared = compared;
  }

  readonly name = $derived.by(() => this.compared.params.tensor!);
  readonly models = $derived.by(() => this.compared.question?.models ?? []);
  readonly base = $derived.by(() => this.compared.base!);
  readonly model = $derived.by(() => {
    const chosen = this.compared.params.of;
    if (chosen !== null && this.models.includes(chosen)) return chosen;
    return this.models.find((id) => id !== this.base) ?? this.base;
  });
  // A text, so that what means the same is not asked again.
  readonly #asked = $derived.by(() =>
    JSON.stringify({ base: this.base, model: this.model, tensor: this.name, ...this.compared.alignment }),
  );
  readonly question: TensorQuestion = $derived(JSON.parse(this.#asked) as TensorQuestion);

  readonly #facts = follow(() => {
    const question = this.question;
    return async (signal) => {
      const [facts, base] = await Promise.all([fetchTensor(question, signal), ofBase(question, signal)]);
      return { facts, base };
    };
  });
  readonly #channels = follow(() => {
    const question = this.question;
    return async (signal) => ({ model: question.model, channels: await fetchChannels(question, signal) });
  });
  readonly #spectra = follow(() => {
    const ask = {
      base: this.base,
      models: this.models,
      tensor: this.name,
      examples: this.compared.params.examples,
      ...this.compared.alignment,
    };
    return (signal) => fetchSpectra(ask, signal);
  });

  /** Of the model that is shown; the last one stays until there is a newer one. */
  readonly facts = $derived.by(() => this.#facts.value?.facts ?? null);
  readonly error = $derived.by(() => this.#facts.error ?? this.#channels.error ?? this.tilesError);
  readonly channels = $derived.by(() => this.#channels.value?.channels ?? null);
  readonly spectra = $derived.by(() => this.#spectra.value);
  readonly spectraError = $derived.by(() => this.#spectra.error);
  readonly singular = $derived.by(() => singularLines(this.spectra?.spectra ?? []));
  readonly eigen = $derived.by(() => eigenLines(this.spectra?.spectra ?? []));

  readonly compares = $derived.by(() => (this.facts?.compares ?? false) && this.model !== this.base);
  readonly show: Shown = $derived.by(() =>
    this.compared.params.show === "change" && !this.compares ? "value" : this.compared.params.show,
  );
  readonly cell = $derived.by(() => this.compared.params.cell);
  readonly matrix: Matrix = $derived.by(() => ({ rows: this.facts?.rows ?? 1, columns: this.facts?.columns ?? 1 }));
  readonly frame: Frame = $derived.by(() => {
    const kept = readFrame(this.compared.params.frame);
    return kept ? within(kept, this.matrix) : whole(this.matrix);
  });
  readonly isWhole = $derived(this.frame.rows === this.matrix.rows && this.frame.columns === this.matrix.columns);
  /** The number that has the full color: the same for all models where the base has the tensor. */
  readonly limit = $derived.by(() => {
    const { facts, base } = this.#facts.value ?? {};
    if (!facts) return 1;
    if (this.show === "change") return Math.min(FULL * told(facts.rms_change), told(facts.peak_change ?? 1)) || 1;
    const scale = base ?? facts;
    return Math.min(FULL * told(scale.rms), Math.max(told(scale.peak), told(facts.peak))) || 1;
  });

  look(frame: Frame): void {
    const next = within(frame, this.matrix);
    const all = next.rows === this.matrix.rows && next.columns === this.matrix.columns;
    this.compared.set({ frame: all ? null : writeFrame(next) }, "replace");
  }

  /** Bring a row into view, and put the cursor on it. */
  goto(row: number): void {
    const rows = Math.min(this.frame.rows, Math.max(16, Math.min(this.matrix.rows, 32)));
    this.cursor = { row, column: this.frame.column };
    this.look({ ...this.frame, rows, row: row + 0.5 - rows / 2 });
  }

  // Tiles: what is asked for, what is here.
  readonly #tiles = new SvelteMap<string, Tile>();
  readonly #places = new Map<string, Place>();
  readonly #pending = new Map<string, AbortController>();
  tilesError: ApiError | null = $state.raw(null);

  readonly #about = $derived(`${this.#asked} ${this.show}`);
  #keyOf = ({ row_level, column_level, row, column }: Place): string =>
    `${this.#about} ${row_level} ${column_level} ${row} ${column}`;

  /** Tiles of this tensor that are here, the coarse ones first. */
  here(): { place: Place; tile: Tile }[] {
    const found = [];
    for (const [key, tile] of this.#tiles) {
      if (key.startsWith(`${this.#about} `)) found.push({ place: this.#places.get(key)!, tile });
    }
    const coarse = ({ place }: { place: Place }): number => place.row_level + place.column_level;
    return found.sort((a, b) => coarse(b) - coarse(a));
  }

  /** The tile of a place, if it is here. */
  at(place: Place): Tile | null {
    return this.#tiles.get(this.#keyOf(place)) ?? null;
  }

  /** Fetch what is missing of these, and no longer what is not among them. */
  want(places: readonly Place[]): void {
    const keys = new Map(places.map((place) => [this.#keyOf(place), place]));
    for (const [key, controller] of this.#pending) {
      if (keys.has(key)) continue;
      controller.abort();
      this.#pending.delete(key);
    }
    for (const [key, place] of keys) {
      if (!this.#tiles.has(key) && !this.#pending.has(key)) void this.#fetch(key, place);
    }
  }

  async #fetch(key: string, place: Place): Promise<void> {
    const controller = new AbortController();
    this.#pending.set(key, controller);
    try {
      const tile = await fetchTile(this.question, this.show, place, controller.signal);
      this.#places.set(key, place);
      this.#tiles.set(key, tile);
      this.tilesError = null;
      const oldest = this.#tiles.size > KEPT ? this.#tiles.keys().next().value : undefined;
      if (oldest !== undefined) {
        this.#tiles.delete(oldest);
        this.#places.delete(oldest);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.tilesError = error;
    } finally {
      if (this.#pending.get(key) === controller) this.#pending.delete(key);
    }
  }

  close(): void {
    for (const controller of this.#pending.values()) controller.abort();
    this.#pending.clear();
  }
}

/** The tensor of the base, which gives the scale; null where the base has none. */
async function ofBase(
  question: TensorQuestion,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof fetchTensor>> | null> {
  if (question.model === question.base) return null;
  try {
    return await fetchTensor({ ...question, model: question.base }, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) return null;
    throw error;
  }
}
