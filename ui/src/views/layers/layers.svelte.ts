/** What the page of layers compares and shows. */
import type { ApiError } from "@/api/problem";
import {
  fetchLayers,
  fetchOverlay,
  fetchSuspects,
  type LayerColumn,
  type LayersQuestion,
  type Mode,
} from "@/api/layers";
import { fetchModel } from "@/api/models";
import { variableColors } from "@/charts/colors";
import type { AppState } from "@/state/app";
import { OTHER } from "@/styles/ramps";
import { baseWords, chooseBase, commonAncestors, type Base } from "@/state/base";
import { follow } from "@/state/request.svelte";
import { CSV_COLUMNS, toCsv } from "./csv";
import { columnsOf, measureOf } from "./measures";
import { readParams, writeParams, type Params } from "./params";
import { byDepth, easyDepth, findText, shownRows, type Wanted } from "./rows";
import { buildLayers, keyOf } from "./table";

/** Columns beyond these are not drawn: a matrix of activations has room for more than a tree of histograms. */
const MOST_MODELS = 24;
const MOST_OUTPUTS = 50;
const MOST_PROPOSED = 5;
/** From so many models on, a matrix of activations says more than lines that cross. */
const MANY = 5;

/** Columns of the table that the page draws; a panel asks for all of one layer. */
const COMMON = ["module", "parameter", "model", "num_parameters", "alignment", "counterpart"] as const;
/** How much of a module a sum is about. */
const COVERED = ["num_tensors", "num_tensors_compared", "share_compared"] as const;
const PICTURED: Readonly<Record<Mode, readonly LayerColumn[]>> = {
  sparsity: [...COVERED],
  weights: [...COVERED, "histogram", "histogram_low", "histogram_high", "change_bands", "num_compared"],
  activations: ["mean_abs_change", "worst_channels", "worst_channel_shares", "outlier_channels"],
  storage: ["dtype", "bits", "scheme", "group_size"],
};
const shown = (mode: Mode): LayerColumn[] => [...COMMON, ...columnsOf(mode), ...PICTURED[mode]];

export class LayersState {
  readonly #app: AppState;
  /** The model and the row that the pointer is on. */
  hoveredRow: number | null = $state.raw(null);
  /** Grows with each comparison of activations that a job has finished. */
  compared = $state(0);

  constructor(app: AppState) {
    this.#app = app;
  }

  readonly params: Params = $derived.by(() => readParams(this.#app.view.state.own));
  readonly #ids = $derived.by(() => this.#app.view.selection.map((row) => this.#app.project.table!.ids[row]!));
  readonly #baseParam = $derived(this.params.base);
  readonly mode: Mode = $derived(this.params.mode);
  /** Models that are compared at most. */
  readonly most: number = $derived(this.mode === "activations" ? MOST_OUTPUTS : MOST_MODELS);

  /** What can be compared where nothing is selected: a root and its first children. */
  readonly proposed: readonly string[] = $derived.by(() => {
    const { ids, roots, children } = this.#app.project.table!;
    const root = roots.find((row) => children[row]!.length > 0) ?? roots[0];
    return root === undefined ? [] : [root, ...children[root]!.slice(0, MOST_PROPOSED - 1)].map((row) => ids[row]!);
  });
  /** Which of the selected models have a checkpoint, or of the proposed ones; asked once for each selection. */
  readonly checkpoints = follow(() => {
    const table = this.#app.project.table!;
    const rows = this.#ids.flatMap((id) => table.indexOf.get(id) ?? []);
    const ancestors = commonAncestors(rows, table).map((row) => table.ids[row]!);
    const own = this.#ids.length > 0 ? this.#ids : this.proposed;
    const ids = [...new Set([...(this.#baseParam === null ? [] : [this.#baseParam]), ...ancestors, ...own])];
    const known = ids.filter((id) => table.indexOf.has(id)).slice(0, 100);
    if (known.length === 0) return null;
    return async (signal) => {
      const details = await Promise.all(known.map((id) => fetchModel(id, signal)));
      return new Map(details.map((model) => [model.id, model.checkpoint !== null]));
    };
  });

  readonly selected = $derived(this.#ids);
  /** Selected models whose layers can be read. */
  readonly #readable = $derived(this.#ids.filter((id) => this.checkpoints.value?.get(id)));
  readonly without = $derived(
    [...new Set([...this.#ids, ...(this.#baseParam === null ? [] : [this.#baseParam])])].filter(
      (id) => this.checkpoints.value?.get(id) === false,
    ),
  );

  readonly #base: Base | null = $derived.by(() => {
    const known = this.checkpoints.value;
    const table = this.#app.project.table!;
    return known && chooseBase(this.#readable, this.#baseParam, table, (id) => known.get(id) ?? false);
  });
  readonly base: string | null = $derived(this.#base?.id ?? null);
  /** What is said of a base that nobody chose. */
  readonly baseNote: string = $derived(baseWords(this.#base));
  /** Whether a model can be the base as far as is known: where it cannot, that is said once it is chosen. */
  canBeBase(id: string): boolean {
    return this.checkpoints.value?.get(id) ?? true;
  }
  /** What the base can be changed to. */
  readonly candidates = $derived([...new Set([...this.#readable, ...(this.base === null ? [] : [this.base])])]);
  readonly #models = $derived(this.candidates.filter((id) => id !== this.base).slice(0, this.most));
  readonly left = $derived(this.candidates.length - 1 - this.#models.length);

  /** What somebody aligned by hand, as questions have it. */
  readonly alignment: { alignment?: Record<string, string> } = $derived.by(() =>
    this.params.align.length > 0 ? { alignment: Object.fromEntries(this.params.align) } : {},
  );
  // A text, so that a new selection that means the same asks nothing again.
  readonly #asked = $derived(
    this.base === null
      ? null
      : JSON.stringify({
          base: this.base,
          models: [this.base, ...this.#models],
          what: this.mode,
          ...(this.mode === "activations" ? { examples: this.params.examples } : this.alignment),
        }),
  );
  readonly question: LayersQuestion | null = $derived(
    this.#asked === null ? null : (JSON.parse(this.#asked) as LayersQuestion),
  );
  readonly #answer = follow(() => {
    const question = this.question;
    // once more when a job has brought the answer
    void this.compared;
    if (!question) return null;
    return async (signal, watch) => {
      const part = { histograms: "heights", columns: shown(question.what) } as const;
      return buildLayers(await fetchLayers(question, part, signal, watch), question.base);
    };
  });
  readonly #suspects = follow(() => {
    const question = this.question;
    // after the table, from which the server has worked out all that it needs
    if (!question || question.models.length < 2 || this.table?.what !== question.what || this.#answer.loading)
      return null;
    return async (signal) => ({ base: question.base, list: await fetchSuspects(question, signal) });
  });

  /** The last answer: it stays until there is a newer one, but never in another mode than it was asked in. */
  readonly table = $derived.by(() => (this.notRun ? null : this.#answer.value));
  readonly suspects = $derived.by(() => this.#suspects.value?.list ?? []);
  /** Whether activations have to be compared by a job first. */
  readonly notRun = $derived.by(() => this.mode === "activations" && this.#answer.error?.code === "layers.not_run");
  readonly progress = $derived.by(() => this.#answer.progress);
  cancel(): void {
    this.#answer.cancel();
  }
  again(): void {
    this.#answer.again();
  }
  readonly loading = $derived.by(() => this.#answer.loading || this.checkpoints.loading);
  readonly error: ApiError | null = $derived.by(
    () => (this.notRun ? null : this.#answer.error) ?? this.checkpoints.error,
  );

  /** The base is the first model of a table; alone, it shows its own statistics. */
  readonly compares = $derived((this.table?.models.length ?? 0) > 1);
  readonly measure = $derived(measureOf(this.table?.what ?? "weights", this.params.measure, this.compares));
  /** Models that are columns: the base beside others only where its own values say something. */
  readonly columns: readonly number[] = $derived.by(() => (this.table?.models ?? []).map((_, k) => k));
  readonly colors: readonly string[] = $derived.by(() => {
    const [base, ...others] = this.table?.models ?? [];
    const theme = this.#app.theme.current;
    const colors = others.length === 1 ? [variableColors(["a", "b"], theme)[1]!] : variableColors(others, theme);
    return base === undefined ? [] : [OTHER[theme], ...colors];
  });

  /** Whether a matrix of layers and models stands above the tree, in the place of the profile. */
  readonly asMatrix: boolean = $derived.by(() => {
    const { table } = this;
    if (!table || table.models.length < 2) return false;
    return this.params.above === null
      ? table.what === "activations" && table.models.length > MANY
      : this.params.above === "matrix";
  });

  readonly depth = $derived(this.params.depth ?? (this.table ? easyDepth(this.table) : 1));
  readonly #matched = follow(() => {
    const [question, { find, pattern }] = [this.question, this.params];
    if (!question || !pattern || !find) return null;
    return async (signal) => {
      const part = { match: find, columns: ["module", "parameter"] } as const;
      const { columns, count } = await fetchLayers(question, part, signal);
      const [modules, parameters] = [columns.get("module")!, columns.get("parameter")!];
      const key = (i: number): string => keyOf(modules[i] as string, parameters[i] as string | null);
      return new Set(Array.from({ length: count }, (_, i) => key(i)));
    };
  });
  /** Rows that the filter finds; null without one. */
  readonly found: ReadonlySet<number> | null = $derived.by(() => {
    const { table } = this;
    const { find, pattern } = this.params;
    if (!table || !find) return null;
    if (!pattern) return findText(table, find);
    const matched = this.#matched.value;
    return matched && new Set([...matched].flatMap((key) => table.indexOf.get(key) ?? []).filter((row) => row > 0));
  });
  /** Why the regular expression cannot be used. */
  readonly patternError = $derived(this.params.pattern && this.params.find ? this.#matched.error : null);

  readonly #wanted: Wanted = $derived({
    flat: this.params.flat,
    depth: this.depth,
    open: new Set(this.params.open),
    sort: this.params.sort,
    measure: this.measure,
    found: this.found,
  });
  readonly rows: readonly number[] = $derived.by(() => (this.table ? shownRows(this.table, this.#wanted) : []));
  /** Layers of the profile: all in the order of execution, or those that the filter finds. */
  readonly layers: readonly number[] = $derived.by(() => {
    const [table, found] = [this.table, this.found];
    if (!table) return [];
    const within = (row: number): boolean =>
      found!.has(row) || table.rows[row]!.children.some((child) => found!.has(child) && table.rows[child]!.parameter);
    return found ? table.layers.filter(within) : table.layers;
  });
  readonly layer: number | null = $derived.by(() =>
    this.params.layer === null ? null : (this.table?.indexOf.get(this.params.layer) ?? null),
  );

  set(change: Partial<Params>, history: "push" | "replace" = "push"): void {
    const own = writeParams({ ...this.params, ...change }, this.#app.view.state.own);
    this.#app.view.update({ own }, history);
  }

  /** What is shown, with all its columns but the pictures, as a file. */
  async save(): Promise<string> {
    const [table, question] = [this.table!, this.question!];
    const columns = [...COMMON, ...CSV_COLUMNS[table.what]];
    const rows = this.rows;
    return toCsv(buildLayers(await fetchLayers(question, { columns }), question.base), rows);
  }

  /** The shown measure of one model, to be laid over the graph of the network in Model Explorer. */
  overlay(model: string): Promise<Blob> {
    return fetchOverlay(this.question!, model, this.measure.id);
  }

  toggle(row: number): void {
    const key = keyOf(this.table!.rows[row]!.module, null);
    const open = new Set(this.params.open);
    if (!open.delete(key)) open.add(key);
    this.set({ open: [...open] }, "replace");
  }

  /** Open the panel of a row, and the modules that it is in. */
  show(row: number): void {
    const table = this.table!;
    const open = new Set(this.params.open);
    for (let at = table.rows[row]!.parent; at >= 0; at = table.rows[at]!.parent) {
      const key = keyOf(table.rows[at]!.module, null);
      if (byDepth(table, at, this.depth) === open.has(key) && !open.delete(key)) open.add(key);
    }
    const { module, parameter } = table.rows[row]!;
    this.set({ layer: keyOf(module, parameter), open: [...open] }, this.params.layer === null ? "push" : "replace");
  }

  /** Ascending by what is worst, then the other way, then as they are executed. */
  sortBy(column: string): void {
    const { sort } = this.params;
    const worstFirst = column !== "parameters" && this.measure.higher_is_better === true;
    const first = { column, descending: column !== "order" && !worstFirst };
    if (sort?.column !== column) this.set({ sort: column === "order" ? null : first });
    else if (sort.descending === first.descending && column !== "order")
      this.set({ sort: { column, descending: !sort.descending } });
    else this.set({ sort: null });
  }

  hoverModel(model: number | null): void {
    const { table } = this.#app.project;
    this.#app.view.hover(
      model === null || !this.table ? null : (table!.indexOf.get(this.table.models[model]!) ?? null),
    );
  }

  readonly hoveredModel: number | null = $derived.by(() => {
    const { view, project } = this.#app;
    const id = view.hovered === null ? null : project.table!.ids[view.hovered]!;
    const model = id === null ? -1 : (this.table?.models.indexOf(id) ?? -1);
    return model < 0 ? null : model;
  });
}
