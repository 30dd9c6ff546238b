/** The state of the map of paths: what is unfolded, where it stands, and how its outcomes are spread. */
import { rgb } from "d3-color";
import { formatCount, shortenApart } from "@/format";
import type { AppState } from "@/state/app";
import { namesOf } from "@/state/steps";
import type { ModelTable } from "@/state/table";
import { CHROME } from "@/styles/ramps";
import { looksOf } from "../looks";
import { layoutPaths, type PathLayout, type Placed } from "./layout";
import { bestFirst, outcomesOf, type Outcomes } from "./outcomes";
import { listed, modelsBelow, opened, pathTree, withPath, type PathNode } from "./tree";

const MEASURES = { row: 26, modelRow: 24, thin: 1.5, bar: 14, most: 30, top: 20 };
/** Share of the height that the ribbon of all models takes. */
const SHARE = 0.22;
/** How much larger all is drawn at most, where there is more height than the least rows need. */
const MOST_GROWTH = 3;
const MOST_TALL = 36;
/** Free below the last row. */
const BELOW = 8;
const COLUMN = { least: 108, most: 190, left: 44, right: 178 };
const LETTER = 6.4;
const MOST_LETTERS = 22;

/** A path with what is drawn for it. */
export interface Drawn extends Placed {
  x: number;
  label: string;
  outcomes: Outcomes;
  color: string;
  /** Models that it stands for: all below, where it is folded. */
  models: Placed["models"];
  stands: readonly number[];
  selected: number;
}

/** An operation with as many models as its ribbon leads to. */
const written = ({ node }: Placed): string =>
  `${(node.operation ?? "original").slice(0, MOST_LETTERS)} ${formatCount(node.total)}`;

export class PathState {
  width = $state(0);
  height = $state(0);
  readonly #app: AppState;

  constructor(app: AppState) {
    this.#app = app;
  }

  readonly table: ModelTable = $derived.by(() => this.#app.project.table!);
  readonly #roots = $derived.by(() => pathTree(this.table, this.#app.view.visible));
  readonly #unfolded: readonly string[] = $derived.by(() => this.#app.view.state.own.unfold ?? []);
  readonly #values = $derived.by(() => this.table.values.get(this.#app.view.colorMetric ?? "") ?? null);
  /** The colors of ribbons, which are as light as their contrast allows. */
  readonly shades: readonly string[] = $derived.by(
    () => looksOf(0, this.#app.view.encodings!, new Uint8Array()).shades[0],
  );

  readonly #least: PathLayout = $derived.by(() => this.#layout(1));
  /** How much larger than the least rows all is drawn, so that it fills the height. */
  readonly growth: number = $derived.by(() => {
    const { top } = MEASURES;
    const room = (this.height - BELOW - top) / (this.#least.height - top);
    return Math.max(1, Math.min(MOST_GROWTH, room));
  });
  readonly layout: PathLayout = $derived.by(() => (this.growth > 1 ? this.#layout(this.growth) : this.#least));
  /** Height of histograms. */
  readonly tall: number = $derived(Math.min(MOST_TALL, Math.round(16 * this.growth)));
  readonly column: number = $derived.by(() => {
    const room = (this.width - COLUMN.left - COLUMN.right) / Math.max(1, this.layout.depth);
    const label = 30 + LETTER * this.layout.placed.reduce((most, one) => Math.max(most, written(one).length), 0);
    return Math.min(COLUMN.most, Math.max(COLUMN.least, label, room));
  });
  readonly size: { width: number; height: number } = $derived({
    width: Math.max(this.width, COLUMN.left + this.column * this.layout.depth + COLUMN.right),
    height: Math.max(this.height, this.layout.height + BELOW),
  });
  /** Names are cut where a column would be too wide for the longest. */
  readonly #labels = $derived.by(() => {
    const names = [...new Set(this.layout.placed.map(({ node }) => node.operation ?? "original"))];
    const short = shortenApart(names, MOST_LETTERS);
    return new Map(names.map((name, k) => [name, short[k]!]));
  });
  /** What each path stands for; it does not depend on the selection. */
  readonly #spread = $derived.by(() => {
    const encodings = this.#app.view.encodings!;
    return this.layout.placed.map(({ node, isOpen }) => {
      const stands = isOpen ? node.models : modelsBelow(node);
      return { stands, outcomes: outcomesOf(stands, this.#values, encodings) };
    });
  });
  readonly drawn: readonly Drawn[] = $derived.by(() => {
    const { selected } = this.#app.view;
    return this.layout.placed.map((one, k) => {
      const { stands, outcomes } = this.#spread[k]!;
      return {
        ...one,
        ...{ x: COLUMN.left + one.node.depth * this.column, outcomes, stands, color: this.#colorOf(outcomes) },
        label: this.#labels.get(one.node.operation ?? "original")!,
        selected: selected.size ? stands.reduce((sum, model) => sum + (selected.has(model) ? 1 : 0), 0) : 0,
      };
    });
  });
  /** The path that stands for each model, by its place among the drawn ones; -1 for none. */
  readonly #placeOf = $derived.by(() => {
    const found = new Int32Array(this.table.count).fill(-1);
    this.#spread.forEach(({ stands }, k) => stands.forEach((model) => (found[model] = k)));
    return found;
  });

  #layout(growth: number): PathLayout {
    const all = this.#roots.reduce((sum, { total }) => sum + total, 0);
    const rows = Math.max(6, Math.floor((this.height * (1 - SHARE)) / MEASURES.row));
    const better = this.#app.view.encodings?.colorScale?.metric.higher_is_better ?? null;
    const shown = {
      open: opened(this.#roots, this.#unfolded, rows),
      listed: listed(this.#unfolded),
      sorted: (node: PathNode) => bestFirst(node.models, this.#values, better),
    };
    const { row, thin, bar } = MEASURES;
    const perModel = (growth * this.height * SHARE) / Math.max(1, all);
    const measures = { row: row * growth, thin: thin * growth, bar: bar * growth, perModel };
    return layoutPaths(this.#roots, shown, { ...MEASURES, ...measures });
  }

  placeOf(model: number): number {
    return this.#placeOf[model]!;
  }

  /** The names of listed models by how their paths differ within the list. */
  names(one: Placed): readonly string[] {
    const { byId } = this.#app.view;
    return namesOf(
      this.table,
      one.models.map(({ model }) => model),
      byId,
    )(36);
  }

  #colorOf({ median }: Outcomes): string {
    const { encodings } = this.#app.view;
    const chrome = CHROME[encodings!.theme];
    if (Number.isNaN(median)) return chrome.border;
    const at = encodings!.shades.findIndex((shade) => shade === encodings!.colorOf(median));
    return this.shades[at] ?? rgb(chrome.mark).formatHex();
  }

  /** Fold or unfold a path; one that does not go on lists its models. */
  toggle({ node, isOpen, models }: Placed): void {
    const how = node.children.length ? (isOpen ? "-" : "+") : models.length ? "-" : "=";
    this.#say(withPath(this.#unfolded, node.key, how));
  }

  list({ node }: Placed): void {
    this.#say(withPath(this.#unfolded, node.key, "="));
  }

  /** As the room suggests. */
  reset(): void {
    this.#say([]);
  }

  get isTouched(): boolean {
    return this.#unfolded.length > 0;
  }

  #say(unfold: string[]): void {
    const { view } = this.#app;
    const { own } = view.state;
    view.update({ own: { ...own, unfold } });
  }

  below(node: PathNode): number[] {
    return modelsBelow(node);
  }
}
