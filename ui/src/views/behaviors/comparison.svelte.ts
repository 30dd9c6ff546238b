/** What is compared, from the selection and the address, and the server's answers about it. */
import { fetchAnswered, fetchBehaviors, type Comparison } from "@/api/behaviors";
import type { MetricLike } from "@/format";
import type { AppState } from "@/state/app";
import { follow } from "@/state/request.svelte";
import { baseWords, chooseBase, type Base } from "@/state/base";
import { conditions } from "./filters";
import { isAgainstBase, metricOf } from "./metrics";
import { Rows } from "./rows.svelte";
import { readParams, sameKeys, writeParams, type Params } from "./params";

/** Characters of a name in a sentence, where there is room for all of it. */
const WHOLE = 80;
/** What was meant for another dataset. */
const NOWHERE: Partial<Params> = {
  metric: null,
  by: [],
  find: "",
  filters: [],
  brushes: {},
  changed: false,
  sort: null,
  order: null,
  open: null,
};

/** Made once by the page, while its component is. */
export class Comparing {
  readonly #app: AppState;

  constructor(app: AppState) {
    this.#app = app;
  }

  readonly params: Params = $derived.by(() => readParams(this.#app.view.state.own));
  readonly datasets = $derived.by(() => this.#app.project.info?.datasets ?? []);
  readonly dataset: string | null = $derived.by(
    () => (this.datasets.find(({ name }) => name === this.params.data) ?? this.datasets[0])?.name ?? null,
  );
  readonly columns: readonly string[] = $derived.by(
    () => this.datasets.find(({ name }) => name === this.dataset)?.columns ?? [],
  );
  readonly #revision = $derived.by(() => this.#app.project.table?.revision ?? 0);
  readonly #answered = follow(() => {
    const [dataset, revision] = [this.dataset, this.#revision];
    return dataset === null || revision < 0
      ? null
      : async (signal) => ({ dataset, ids: new Set(await fetchAnswered(dataset, signal)) });
  });
  /** Ids of the models with outputs on the dataset; null until it is known. */
  readonly answered: ReadonlySet<string> | null = $derived.by(() => this.#answered.value?.ids ?? null);

  readonly selected: readonly string[] = $derived.by(() => {
    const table = this.#app.project.table;
    return table ? this.#app.view.selection.map((row) => table.ids[row]!) : [];
  });
  /** Selected models that did not answer the dataset. */
  readonly without: readonly string[] = $derived.by(() =>
    this.answered ? this.selected.filter((id) => !this.answered!.has(id)) : [],
  );
  readonly candidates: readonly string[] = $derived.by(() =>
    this.answered ? this.selected.filter((id) => this.answered!.has(id)) : [],
  );
  readonly #base: Base | null = $derived.by(() => {
    const { table } = this.#app.project;
    return table && this.answered && this.candidates.length > 0
      ? chooseBase(this.candidates, this.params.base, table, (id) => this.answered!.has(id))
      : null;
  });
  readonly base: string | null = $derived.by(() => this.#base?.id ?? null);
  /** What is said of a base that nobody chose. */
  readonly baseNote: string = $derived.by(() => baseWords(this.#base));
  readonly #key: string = $derived.by(() => {
    const models = this.candidates.filter((id) => id !== this.base);
    if (this.base === null || this.dataset === null || models.length === 0) return "";
    const { metric, by } = this.params;
    return JSON.stringify({ base: this.base, models, dataset: this.dataset, metric, by } satisfies Comparison);
  });
  /** What is asked; null where there is nothing to compare. Equal questions are one object. */
  readonly question: Comparison | null = $derived.by(() =>
    this.#key === "" ? null : (JSON.parse(this.#key) as Comparison),
  );
  /** What is compared, the base first. */
  readonly compared: readonly string[] = $derived.by(() =>
    this.question ? [this.question.base, ...this.question.models] : [],
  );
  readonly #names = $derived.by(() => {
    const names = this.#app.view.labels(this.compared, WHOLE);
    return new Map(this.compared.map((id, k) => [id, names[k]!]));
  });
  /** The metric by its name: as chosen, else as answered. */
  readonly metricName: string = $derived.by(() => this.params.metric ?? this.overall.value?.metric ?? "correct");
  readonly relative: boolean = $derived.by(() => this.params.relative && !isAgainstBase(this.metricName));

  readonly #whereKey: string = $derived.by(() => {
    if (!this.question) return "[]";
    return JSON.stringify(
      conditions(
        { ...this.params, metric: this.metricName, relative: this.relative },
        this.question.base,
        this.question.models,
      ),
    );
  });
  readonly where = $derived.by(() => JSON.parse(this.#whereKey) as ReturnType<typeof conditions>);

  /** What the instances are sorted by: as chosen, else the most changed first where predictions are classes. */
  readonly sort: string | null = $derived.by(() => {
    const columns = this.overall.value?.columns ?? [];
    const { sort } = this.params;
    if (sort !== null && columns.includes(sort.replace(/^-/, ""))) return sort;
    return columns.includes("num_changed") ? "-num_changed" : null;
  });

  readonly overall = follow(() => {
    const [question, relative] = [this.question, this.relative];
    const parts = ["summary", "histograms", "changes"] as const;
    return question && ((signal, watch) => fetchBehaviors({ ...question, relative, parts }, signal, watch));
  });
  /** The histograms of what the filters leave; they lag behind while a brush is moved. */
  readonly #kept = follow(() => {
    const [question, relative, where] = [this.question, this.relative, this.where];
    if (!question || where.length === 0) return null;
    const instances = { sort: null, where, limit: 0, offset: 0 };
    return (signal) => fetchBehaviors({ ...question, relative, instances, parts: ["histograms"] }, signal);
  });
  readonly kept = $derived.by(() => {
    if (this.where.length === 0) return this.overall.value?.histograms ?? [];
    const [kept, overall] = [this.#kept.value, this.overall.value];
    return (kept && overall && kept.metric === overall.metric ? kept.histograms : overall?.histograms) ?? [];
  });
  readonly groups = follow(() => {
    const question = this.question;
    if (!question || this.params.level !== "classes") return null;
    const pixels = question.by.length === 0 ? (["segmentation"] as const) : [];
    return (signal) => fetchBehaviors({ ...question, parts: ["groups", "changes", ...pixels] }, signal);
  });

  readonly #isKnown: boolean = $derived.by(() => this.overall.value !== null);
  /** So that opening an instance asks for no other list. */
  readonly #isListed: boolean = $derived.by(() => this.params.level === "instances");
  /** The instances that are listed. */
  readonly rows = new Rows(() => {
    const [comparison, where, sort] = [this.question, this.where, this.sort];
    return comparison && this.#isKnown && this.#isListed ? { comparison, where, sort } : null;
  });
  /** How many instances the filters leave; null while it is not known. */
  readonly total: number | null = $derived.by(() => this.rows.about?.total ?? null);

  readonly slices = follow(() => {
    const question = this.question;
    if (!question || this.params.level !== "slices") return null;
    return (signal) => fetchBehaviors({ ...question, parts: ["slices"] }, signal);
  });

  readonly exemplars = follow(() => {
    const question = this.question;
    if (!question || this.params.level !== "exemplars") return null;
    return (signal) => fetchBehaviors({ ...question, parts: ["exemplars"] }, signal);
  });
  readonly calibration = follow(() => {
    const question = this.question;
    if (!question || this.params.level !== "calibration") return null;
    return (signal) => fetchBehaviors({ ...question, parts: ["calibration"] }, signal);
  });

  /** How values of the answered metric are written. */
  readonly metric: MetricLike = $derived.by(() => {
    const answer = this.overall.value;
    return metricOf(
      answer?.metric ?? this.metricName,
      answer?.higher_is_better ?? null,
      this.#app.project.info?.metrics,
    );
  });
  /** Whether predictions are right or wrong. */
  readonly hasFlips: boolean = $derived.by(
    () => this.overall.value?.summary?.some((row) => row.right_to_wrong !== null) ?? false,
  );

  /** What a model is called in a sentence. */
  readonly nameOf = (id: string): string => this.#names.get(id) ?? id;

  /** Change what the address says. What was meant for another metric or other classes goes with it. */
  set(change: Partial<Params>, history: "push" | "replace" = "push"): void {
    const elsewhere = change.data !== undefined && change.data !== this.dataset;
    const next = { ...this.params, ...(elsewhere ? NOWHERE : {}), ...change };
    if (next.metric !== this.params.metric || next.relative !== this.params.relative)
      next.brushes = change.brushes ?? {};
    if (next.metric !== this.params.metric && next.sort?.includes("[")) next.sort = null;
    if (!change.filters && !sameKeys(next.by, this.params.by))
      next.filters = next.filters.filter(({ kind }) => kind !== "group");
    this.#app.view.update({ own: writeParams(next, this.#app.view.state.own) }, history);
  }
}
