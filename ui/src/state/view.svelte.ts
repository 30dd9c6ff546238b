/**
 * What the person looks at: one selection, one hover, one pair of encodings for the whole page, kept in the address.
 */
import { Asked } from "./asked.svelte";
import type { Comparing } from "./comparing";
import { extent, makeEncodings } from "./encodings";
import { pooled } from "./replicates";
import { shortenApart } from "@/format";
import { filterMask, type Filters } from "./filters";
import type { ProjectStore } from "./project.svelte";
import { namesWithin } from "./steps";
import { usualMetrics } from "./usual";
import type { ModelTable } from "./table";
import type { ThemeState } from "./theme.svelte";
import { formatHash, keepEqual, parseHash, type Arrangement, type Four, type ViewState } from "./url";

/** What is dragged has come to rest when it has not moved for so many milliseconds. */
const REST = 120;
/** More models than these cannot be told apart on a map. */
const MOST_APART = 250;

export type SelectMode = "replace" | "add" | "toggle" | "remove";

export class ViewStore {
  /** What the address says; set it with `update`. */
  state: ViewState = $state.raw(parseHash(location.hash));
  #hoveredId: string | null = $state.raw(null);
  #comparedWith: string | null = $state.raw(null);
  readonly #project: ProjectStore;
  readonly #theme: ThemeState;
  /** What the other pages keep in the address, for when they are come back to. */
  readonly #left = new Map<string, ViewState["own"]>();
  /** Whether a finger pointed at a model since the page was opened. */
  touched = $state(false);
  /** Whether what is pointed at is added to the selection, as the shift key does: for fingers. */
  adding = $state(false);
  #writing = 0;
  /** The mask that pictures keep while a filter is dragged. */
  #held: Uint8Array | null = $state.raw(null);
  #resting = 0;

  constructor(project: ProjectStore, theme: ThemeState) {
    this.#project = project;
    this.#theme = theme;
    // Back, forward, and an address typed by hand.
    window.addEventListener("popstate", () => {
      window.clearTimeout(this.#writing);
      this.#writing = 0;
      this.#held = null;
      this.state = keepEqual(this.state, parseHash(location.hash));
    });
    window.addEventListener("pagehide", () => this.#write());
  }

  readonly #table: ModelTable | null = $derived.by(() => this.#project.table);

  // Parts of the state on their own: what depends on one of them is left alone when another changes.
  readonly #selectionIds = $derived(this.state.selection);
  readonly #collapsedIds = $derived(this.state.collapsed);
  readonly #filters = $derived(this.state.filters);
  readonly #arrangement = $derived(this.state.arrangement);
  /** As chosen; else models with the same operations are one where there are too many to be read one by one. */
  readonly arrangement: Arrangement = $derived.by(
    () => this.#arrangement ?? ((this.#table?.count ?? 0) > MOST_APART ? "path" : "operation"),
  );
  readonly byId: boolean = $derived(this.state.byId);
  readonly zoom: Four | null = $derived(this.state.zoom);
  readonly within: Four | null = $derived(this.state.within);
  readonly #clamp = $derived(this.state.clamp);
  readonly #logX = $derived(this.state.logX);
  readonly #logY = $derived(this.state.logY);
  /** Whether an axis is logarithmic: as chosen, else where its values span a decade. */
  readonly logX: boolean = $derived.by(() => this.#logX ?? isWide(this.#table, this.x));
  readonly logY: boolean = $derived.by(() => this.#logY ?? isWide(this.#table, this.y));

  /** Selected models in the order they were chosen; ids that are not (yet) in the project are not listed. */
  readonly selection: readonly number[] = $derived.by(() => rows(this.#table, this.#selectionIds));
  readonly selected: ReadonlySet<number> = $derived(new Set(this.selection));
  readonly collapsed: ReadonlySet<number> = $derived.by(() => new Set(rows(this.#table, this.#collapsedIds)));
  readonly hovered: number | null = $derived.by(() =>
    this.#hoveredId === null ? null : (this.#table?.indexOf.get(this.#hoveredId) ?? null),
  );

  readonly #usual = $derived.by(() => (this.#table ? usualMetrics(this.#table) : []));
  /** The metric of each encoding: as chosen, else a sensible default; null for none. */
  readonly colorMetric: string | null = $derived.by(() => this.#metric(this.state.color, 0));
  readonly sizeMetric: string | null = $derived.by(() => this.#metric(this.state.size, 1));
  readonly x: string | null = $derived.by(() => this.#metric(this.state.x, 1));
  readonly y: string | null = $derived.by(() => this.#metric(this.state.y, 0));

  /** What the server found for the condition among the filters. */
  readonly asked = new Asked(
    () => this.#filters.where.trim(),
    () => this.#table?.revision,
  );
  /** 1 where a model passes the filters. */
  readonly passing: Uint8Array = $derived.by(() =>
    this.#table ? filterMask(this.#table, this.#filters, this.asked.found) : new Uint8Array(),
  );
  /** How many do. */
  readonly left: number = $derived(this.passing.reduce((sum, bit) => sum + bit, 0));
  /** The same for what is costly to draw: it follows when a filter that is dragged comes to rest. */
  readonly visible: Uint8Array = $derived(this.#held ?? this.passing);
  readonly encodings = $derived.by(() =>
    this.#table
      ? makeEncodings(this.#table, this.colorMetric, this.sizeMetric, this.#theme.current, this.#clamp)
      : null,
  );
  /** The table of the map and the scatterplot, on which replicates are one model. */
  readonly pooled = $derived.by(() => (this.#table ? pooled(this.#table) : null));
  /** How its models look. */
  readonly marks = $derived.by(() =>
    this.#table && this.pooled !== this.#table
      ? makeEncodings(this.pooled!, this.colorMetric, this.sizeMetric, this.#theme.current, this.#clamp)
      : this.encodings,
  );

  /**
   * Change the state. `push` makes a step for the back button; without it the current one is rewritten, once it rests.
   */
  update(change: Partial<ViewState>, history: "push" | "replace" = "push"): void {
    if (history === "push") this.#write();
    const own = change.own ?? this.#ownOf(change.page ?? this.state.page);
    this.state = { ...this.state, ...change, own };
    if (history === "replace") this.#writing ||= window.setTimeout(() => this.#write(), REST);
    else this.#put("pushState", 1);
  }

  /** Bring the address up to what is shown. */
  #write(): void {
    if (!this.#writing) return;
    window.clearTimeout(this.#writing);
    this.#writing = 0;
    this.#put("replaceState", 0);
  }

  #put(how: "pushState" | "replaceState", more: number): void {
    const hash = formatHash(this.state);
    if (hash === location.hash) return;
    // Inside a notebook the page has no address of its own.
    const address = location.protocol === "about:" ? undefined : `${location.pathname}${location.search}${hash}`;
    window.history[how]({ steps: this.#steps() + more }, "", address);
  }

  /** Go where an address leads, e.g. that of a saved view. */
  open(address: string): void {
    this.update(parseHash(address));
  }

  /** A page's own names in the address: those of this page do not follow to another, where they mean something else. */
  #ownOf(page: string): ViewState["own"] {
    const { own } = this.state;
    if (page === this.state.page) return own;
    this.#left.set(this.state.page, own);
    const kept = this.#left.get(page) ?? {};
    return own.base ? { ...kept, base: own.base } : kept;
  }

  /** True while a filter is dragged. */
  get isFiltering(): boolean {
    return this.#held !== null;
  }

  /** Take the last step back, if it was made on this page. */
  undo(): void {
    this.#write();
    if (this.#steps() > 0) window.history.back();
  }

  redo(): void {
    window.history.forward();
  }

  #steps(): number {
    return (window.history.state as { steps?: number } | null)?.steps ?? 0;
  }

  /** What the page that is shown compares with, as it says; else what somebody chose. */
  get base(): string | null {
    return this.#comparedWith ?? this.state.own.base?.[0] ?? null;
  }

  /** Said by a page: the base of what it shows, and null when it leaves. */
  compareWith(id: string | null): void {
    this.#comparedWith = id;
  }

  chooseBase(id: string): void {
    this.update({ own: { ...this.state.own, base: [id] } });
  }

  /**
   * What models are called where they are compared, each in at most so many characters: by how they were made, or by
   * their ids. What is not in the project goes by its id.
   */
  labels(ids: readonly string[], limit: number): string[] {
    const table = this.#table;
    const rows = ids.map((id) => table?.indexOf.get(id) ?? -1);
    if (!table || rows.includes(-1)) return shortenApart(ids, limit);
    const names = namesWithin(table, rows, { byId: this.byId, limit });
    return rows.map((row) => names.get(row)!);
  }

  hover(model: number | null): void {
    this.#hoveredId = model === null ? null : (this.#table?.ids[model] ?? null);
  }

  select(models: Iterable<number>, mode: SelectMode = "replace"): void {
    const next = new Set(mode === "replace" ? [] : this.selection);
    for (const model of models) {
      if (mode === "remove" || (mode === "toggle" && next.has(model))) next.delete(model);
      else next.add(model);
    }
    const before = this.selection;
    const after = [...next];
    if (after.length === before.length && after.every((model, k) => model === before[k])) return;
    this.update({ selection: after.map((model) => this.#table!.ids[model]!) });
  }

  /** Change how a selection, the effects or the frontier are shown. */
  compare(change: Partial<Comparing>): void {
    this.update({ comparing: { ...this.state.comparing, ...change } });
  }

  /**
   * Change some filters. While a brush is dragged pass "replace" and once at its end "push". Pictures keep what they
   * showed while `dragging`, until that comes to rest.
   */
  filter(change: Partial<Filters>, history: "push" | "replace" = "push", dragging = history === "replace"): void {
    window.clearTimeout(this.#resting);
    this.#held = dragging ? this.visible : null;
    if (this.#held) this.#resting = window.setTimeout(() => (this.#held = null), REST);
    this.update({ filters: { ...this.state.filters, ...change } }, history);
  }

  /** `chosen` if there is one ("" is none); else the k-th of the primary metrics, or of all. */
  #metric(chosen: string | null, k: number): string | null {
    if (chosen === "") return null;
    const metrics = this.#table?.metrics ?? [];
    if (chosen !== null && metrics.some((metric) => metric.name === chosen)) return chosen;
    return this.#usual[k] ?? null;
  }
}

/** Whether values are all above zero, of a metric without an upper end, and the largest is ten times the least. */
function isWide(table: ModelTable | null, name: string | null): boolean {
  const metric = table?.metrics.find((candidate) => candidate.name === name);
  const found = metric && metric.max === null ? extent(table!.values.get(metric.name)!) : null;
  return found !== null && found[0] > 0 && found[1] >= 10 * found[0];
}

function rows(table: ModelTable | null, ids: string[]): number[] {
  if (!table) return [];
  return ids.flatMap((id) => table.indexOf.get(id) ?? []);
}
