/** What the form of an operation is about: the models that it is applied to, its fields, and what it would make. */
import { ApiError } from "@/api/problem";
import { fetchForms, planJob, startJob, type OperationAsk, type OperationForm, type OperationForms } from "@/api/jobs";
import type { AppState } from "@/state/app";
import { follow, type Answer } from "@/state/request.svelte";
import { readParams, writeParams, type Params } from "./params";
import { fieldOfProblem, fieldsOf, readForm, typedWith, type Field } from "./schema";

/** Models that an operation is applied to at a time. */
export const MOST_MODELS = 50;
const TYPING_MS = 150;

/** What applying the operation to one model comes to. */
export interface Outcome {
  readonly model: string;
  /** The id of the new model; null where there is none, because its id is taken or the server says no. */
  readonly made: string | null;
  /** The model of that id, if there is one, and those that were made of this model in the same way. */
  readonly existing: readonly string[];
  readonly error: ApiError | null;
}

export class Experiments {
  readonly #app: AppState;
  readonly forms: Answer<OperationForms>;
  readonly planned: Answer<readonly Outcome[]>;
  /** Why the last start failed. */
  failure: ApiError | null = $state.raw(null);
  starting = $state(false);

  constructor(app: AppState) {
    this.#app = app;
    this.forms = follow(() => {
      void app.project.table?.revision;
      return (signal) => fetchForms(signal);
    });
    this.planned = follow(() => {
      void app.project.table?.revision;
      const asks = this.asks;
      return asks.length === 0 ? null : (signal) => plan(asks, signal);
    });
  }

  readonly params: Params = $derived.by(() => readParams(this.#app.view.state.own));
  readonly form: OperationForm | null = $derived.by(() => {
    const all = this.forms.value?.operations ?? [];
    return all.find(({ name }) => name === this.params.operation) ?? null;
  });
  readonly fields: readonly Field[] = $derived.by(() => (this.form ? fieldsOf(this.form.parameters) : []));
  readonly read = $derived.by(() => readForm(this.fields, this.form?.main ?? [], this.params.typed));

  /** The selected models whose root has a task, and those whose root has none. */
  readonly targets: readonly string[] = $derived.by(() => this.#selected(true).slice(0, MOST_MODELS));
  readonly without: readonly string[] = $derived.by(() => this.#selected(false));
  /** How many selected models are too many. */
  readonly left: number = $derived.by(() => this.#selected(true).length - this.targets.length);

  /** Role → id, as chosen, else the root of the first target. */
  readonly references: Readonly<Record<string, string>> = $derived.by(() => {
    const root = this.targets[0] === undefined ? "" : this.#rootOf(this.targets[0]);
    return Object.fromEntries((this.form?.roles ?? []).map((role) => [role, this.params.references[role] ?? root]));
  });

  /** What would be asked of the server; empty while something is wrong or missing. */
  readonly asks: readonly OperationAsk[] = $derived.by(() => {
    const { form, read, references } = this;
    if (!form || Object.keys(read.problems).length > 0) return [];
    const id = this.targets.length === 1 && this.params.id.trim() ? { id: this.params.id.trim() } : {};
    return this.targets.map((model) => ({
      kind: "operation" as const,
      model,
      operation: form.name,
      parameters: read.values,
      references,
      ...id,
    }));
  });

  readonly outcomes: readonly Outcome[] = $derived.by(() => (this.asks.length === 0 ? [] : (this.planned.value ?? [])));
  readonly makes: readonly string[] = $derived.by(() => this.outcomes.flatMap(({ made }) => made ?? []));
  /** How many of the models would be made under the id of one that there is. */
  readonly taken: number = $derived.by(() => this.outcomes.filter(({ made, error }) => !made && !error).length);
  /** Models of the project that are what would be made, as far as they are on the page. */
  readonly existing: readonly string[] = $derived.by(() => {
    const { indexOf } = this.#app.project.table!;
    return [...new Set(this.outcomes.flatMap((outcome) => outcome.existing))].filter((id) => indexOf.has(id));
  });
  /** The first thing that the server says no to, if it is not about a field. */
  readonly refusal: ApiError | null = $derived.by(() => {
    const errors = this.outcomes.flatMap(({ error }) => error ?? []);
    return errors.find((error) => fieldOfProblem(error.message, this.fields) === null) ?? null;
  });
  /** Field → what is wrong with it, by this page or else by the server. */
  readonly problems: Readonly<Record<string, string>> = $derived.by(() => {
    const found: Record<string, string> = {};
    for (const { error } of this.outcomes) {
      const name = error && fieldOfProblem(error.message, this.fields);
      if (error && name) found[name] = [error.message, error.detail].filter(Boolean).join(" ");
    }
    return { ...found, ...this.read.problems };
  });

  set(change: Partial<Params>, history: "push" | "replace" = "push"): void {
    const { view } = this.#app;
    view.update({ own: writeParams({ ...this.params, ...change }, view.state.own) }, history);
  }

  choose(operation: string): void {
    this.failure = null;
    this.set({ operation, typed: {}, references: {}, id: "" });
  }

  type(field: Field, text: string | boolean): void {
    this.set({ typed: typedWith(this.fields, this.params.typed, { field, text }) }, "replace");
  }

  /** Queue the operation for every model that it can be applied to. */
  async run(): Promise<void> {
    const wanted = new Set(this.outcomes.filter(({ made }) => made !== null).map(({ model }) => model));
    this.starting = true;
    this.failure = null;
    try {
      for (const ask of this.asks) if (wanted.has(ask.model)) await startJob(ask);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    } finally {
      this.starting = false;
      void this.#app.jobs.refresh();
    }
  }

  #selected(known: boolean): string[] {
    const { project, view } = this.#app;
    const roots = this.forms.value?.roots;
    if (!roots) return [];
    const ids = view.selection.map((row) => project.table!.ids[row]!);
    return ids.filter((id) => roots.includes(this.#rootOf(id)) === known);
  }

  #rootOf(id: string): string {
    const table = this.#app.project.table!;
    let row = table.indexOf.get(id)!;
    while (table.base[row]! >= 0) row = table.base[row]!;
    return table.ids[row]!;
  }
}

async function plan(asks: readonly OperationAsk[], signal: AbortSignal): Promise<Outcome[]> {
  await new Promise((done) => setTimeout(done, TYPING_MS));
  return Promise.all(
    asks.map(async (ask): Promise<Outcome> => {
      try {
        const planned = (await planJob(ask, signal))[0];
        const taken = planned?.done ? [planned.id] : [];
        const existing = [...new Set([...taken, ...(planned?.alike ?? [])])];
        return { model: ask.model, made: taken.length > 0 ? null : (planned?.id ?? null), existing, error: null };
      } catch (error) {
        if (!(error instanceof ApiError) || error.code === "network") throw error;
        return { model: ask.model, made: null, existing: [], error };
      }
    }),
  );
}
