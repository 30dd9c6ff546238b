/** What the page of plans shows: the measured losses of one model's layers, a budget, and the plan within it. */
import { ApiError } from "@/api/problem";
import { cancelJobs, planJob, startJob, type Job, type PlannedModel } from "@/api/jobs";
import {
  exportPlan,
  fetchSensitivity,
  type BudgetKind,
  type PlanCurve,
  type PlanExport,
  type PlanPoint,
  type Sensitivity,
  type Toolkit,
} from "@/api/plans";
import type { AppState } from "@/state/app";
import { follow } from "@/state/request.svelte";
import type { Metric } from "@/state/table";
import { heatTable, planWithin, type HeatTable } from "./heat";
import { readParams, writeParams, type Params } from "./params";

/** Milliseconds for which a budget rests before the server is asked about its plan. */
const REST = 350;

export class PlanState {
  readonly #app: AppState;
  /** The job that this page started last. */
  #job: string | null = $state.raw(null);
  failure: ApiError | null = $state.raw(null);
  starting = $state(false);

  constructor(app: AppState) {
    this.#app = app;
  }

  readonly params: Params = $derived.by(() => readParams(this.#app.view.state.own));
  readonly #table = $derived.by(() => this.#app.project.table!);
  /** What can be planned for: the selected models first, then the roots. */
  readonly candidates: readonly string[] = $derived.by(() => {
    const { ids, roots, indexOf } = this.#table;
    const chosen = this.params.model !== null && indexOf.has(this.params.model) ? [this.params.model] : [];
    const rows = [...this.#app.view.selection.slice(0, 50), ...roots.slice(0, 50)];
    return [...new Set([...chosen, ...rows.map((row) => ids[row]!)])];
  });
  readonly model: string | null = $derived(this.candidates[0] ?? null);
  readonly choices: readonly { id: string; title: string; label: string }[] = $derived.by(() => {
    const labels = this.#app.view.labels(this.candidates, 32);
    return this.candidates.map((id, k) => ({ id, title: id, label: labels[k]! }));
  });
  /** What the model is called. */
  readonly name: string = $derived(this.choices[0]?.label ?? "");

  /** The job that measures this model, if one is under way. */
  readonly measuring: Job | null = $derived.by(
    () => this.#app.jobs.unfinished.find((job) => job.kind === "sensitivity" && job.model === this.model) ?? null,
  );
  readonly job: Job | null = $derived.by(() => this.#app.jobs.all?.find(({ id }) => id === this.#job) ?? null);

  // Asked again whenever a measurement has come further: rows are kept one by one.
  readonly #progress = $derived(this.measuring?.message ?? "");
  readonly answer = follow(() => {
    const model = this.model;
    void this.#progress;
    return model === null ? null : (signal) => fetchSensitivity(model, signal);
  });
  readonly known: Sensitivity | null = $derived.by(() => {
    const found = this.answer.value;
    return found && found.model === this.model && !this.answer.error ? found : null;
  });
  readonly metric: Metric | null = $derived.by(
    () => this.#table.metrics.find(({ name }) => name === this.known?.metric) ?? null,
  );
  readonly heat: HeatTable | null = $derived.by(() =>
    this.known && this.metric && this.known.rows.length > 0 ? heatTable(this.known.rows, this.metric) : null,
  );
  readonly curve: PlanCurve | null = $derived.by(() => {
    const curves = this.known?.curves ?? [];
    return curves.find(({ kind }) => kind === this.params.kind) ?? curves[0] ?? null;
  });
  readonly plan: PlanPoint | null = $derived.by(() =>
    this.curve ? planWithin(this.curve.points, this.params.budget) : null,
  );
  readonly chosen: ReadonlySet<number> = $derived.by(() => new Set(this.plan?.chosen ?? []));

  readonly #asked = $derived.by(() =>
    this.plan && this.plan.chosen.length > 0 ? JSON.stringify(this.#ask("recipe")) : null,
  );
  /** The model that the plan would make, or has made. */
  readonly made = follow<PlannedModel | null>(() => {
    const asked = this.#asked;
    void this.#table.revision;
    if (asked === null) return null;
    return async (signal) => {
      await pause(REST, signal);
      const { text } = await exportPlan(JSON.parse(asked) as PlanExport, signal);
      return (await planJob({ kind: "recipe", recipe: text }, signal)).at(-1) ?? null;
    };
  });

  set(change: Partial<Params>, history: "push" | "replace" = "push"): void {
    this.#app.view.update({ own: writeParams({ ...this.params, ...change }, this.#app.view.state.own) }, history);
  }

  setBudget(budget: number, history: "push" | "replace" = "replace"): void {
    this.set({ budget }, history);
  }

  setKind(kind: BudgetKind): void {
    // the same plan, in the other unit
    const same = this.known?.curves.find((curve) => curve.kind === kind);
    const near = same && this.plan && nearest(same.points, this.plan.size);
    this.set({ kind, budget: near?.used ?? null });
  }

  async measure(levels: readonly string[]): Promise<void> {
    const model = this.model!;
    await this.#start(() => startJob({ kind: "sensitivity", model, levels }));
  }

  async cancel(): Promise<void> {
    const id = this.measuring?.id;
    if (id) await this.#start(async () => (await cancelJobs([id]))[0]!);
  }

  /** Make the planned model. */
  async run(): Promise<void> {
    await this.#start(async () => {
      const { text } = await exportPlan(this.#ask("recipe"));
      return startJob({ kind: "recipe", recipe: text });
    });
  }

  /** The plan as a file for another tool; null, and a failure, where the tool lacks what it needs. */
  async export(toolkit: Toolkit): Promise<{ text: string; file: string } | null> {
    this.failure = null;
    try {
      return await exportPlan(this.#ask(toolkit));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
      return null;
    }
  }

  #ask(toolkit: Toolkit): PlanExport {
    return {
      model: this.model!,
      metric: this.known!.metric,
      count: this.known!.rows.length,
      chosen: this.plan!.chosen,
      toolkit,
    };
  }

  async #start(begin: () => Promise<Job>): Promise<void> {
    this.failure = null;
    this.starting = true;
    try {
      this.#job = (await begin()).id;
      await this.#app.jobs.refresh();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    } finally {
      this.starting = false;
    }
  }
}

function nearest(points: readonly PlanPoint[], size: number): PlanPoint | null {
  const distance = (point: PlanPoint): number => Math.abs(point.size - size);
  return points.reduce<PlanPoint | null>(
    (best, point) => (best && distance(best) <= distance(point) ? best : point),
    null,
  );
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => window.clearTimeout(timer));
  });
}
