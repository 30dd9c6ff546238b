/** The state of the map that is not the page's: its size, what part of it is in view, and what the pointer is doing. */
import { shortenApart } from "@/format";
import type { AppState } from "@/state/app";
import { LETTER, letterOf, RESERVED_LETTERS } from "./draw/text";
import type { Marks } from "./draw/overlay";
import { nodeScale, radiusOnScreen, type Scene } from "./draw/scene";
import { columnNames } from "./headings";
import { modelAt, modelsIn, nearestOutside } from "./hit";
import { mapLabels } from "./labels";
import { layoutModels, skeletonOf, type Layout } from "./layout";
import { looksOf } from "./looks";
import { mapNames, WHOLE } from "./names";
import { Motion } from "./motion.svelte";
import { carryPlaces } from "./places";
import {
  fit,
  headingHeight,
  middleOf,
  MOST_HEADING,
  pan,
  reveal,
  ROW_FOR_TEXT,
  viewportAt,
  zoom,
  type Extent,
  type Viewport,
} from "./viewport";
import { standing } from "@/state/replicates";
import type { ModelTable } from "@/state/table";

const REST = 120;

type Box = [number, number, number, number];

export class MapState {
  width = $state(0);
  height = $state(0);
  /** True while the view is being panned or zoomed. */
  moving = $state(false);
  brush: Box | null = $state.raw(null);
  readonly #app: AppState;
  readonly #motion = new Motion();
  #rest = 0;

  constructor(app: AppState) {
    this.#app = app;
  }

  readonly table: ModelTable = $derived.by(() => this.#app.project.table!);
  readonly #skeleton = $derived.by(() => skeletonOf(this.table));
  readonly layout: Layout = $derived.by(() => {
    const { arrangement, collapsed } = this.#app.view;
    return layoutModels(this.table, arrangement, { collapsed, skeleton: this.#skeleton });
  });
  readonly #labels = $derived.by(() => mapLabels(this.table, this.layout.columns));
  readonly #names = $derived.by(() => {
    const { visible, byId } = this.#app.view;
    return mapNames(
      this.table,
      this.layout.shown.map((shown, i) => shown & visible[i]!),
      byId,
    );
  });
  readonly looks = $derived.by(() => looksOf(this.table.count, this.#app.view.marks!, this.#app.view.visible));
  /** Letters of the longest name among leaves, and among roots that have children; there are none in thin rows. */
  readonly #longest = $derived.by(() => {
    const most = { leaf: 0, root: 0 };
    if (this.layout.rows * ROW_FOR_TEXT > this.height) return most;
    const names = this.#names.at(WHOLE);
    this.table.ids.forEach((id, i) => {
      if (!this.layout.children[i]!.length) most.leaf = Math.max(most.leaf, names[i]!.length);
      else if (this.table.base[i]! < 0) most.root = Math.max(most.root, id.length);
    });
    return most;
  });
  /** The names of the columns, as they are written above them. */
  readonly #headings = $derived.by(() => {
    const names = shortenApart(columnNames(this.table, this.layout.columns), MOST_HEADING);
    return this.#app.view.arrangement === "step" ? names.map((name, k) => `${k}: ${name}`) : names;
  });
  readonly extent: Extent = $derived.by(() => ({
    headings: this.#headings,
    columns: this.layout.columns.length,
    rows: this.layout.rows,
    width: this.width,
    height: this.height,
    labels: Math.min(RESERVED_LETTERS, this.#longest.leaf) * letterOf({ names: this.#names }),
    roots: this.#longest.root * LETTER,
  }));
  /** Without a zoom all is in view, and stays so when the panel or the project grows. */
  readonly #target: Viewport = $derived.by(() => {
    const { zoom } = this.#app.view;
    return zoom && zoom[0] > 0 && zoom[1] > 0
      ? pan(viewportAt(zoom, this.extent), 0, 0, this.extent)
      : fit(this.extent);
  });
  readonly view: Viewport = $derived.by(() => this.#motion.view(this.layout, this.#target));
  readonly scene: Scene = $derived.by(() => ({
    table: this.table,
    layout: this.layout,
    looks: this.looks,
    places: this.#motion.places(this.layout),
    labels: this.#labels,
    names: this.#names,
  }));
  readonly #brushed: number[] = $derived.by(() => (this.brush ? modelsIn(this.scene, this.view, this.brush) : []));
  /** What is selected, or would be if a brush ended now. */
  readonly selected: ReadonlySet<number> = $derived.by(() => {
    const selected = standing(this.table, this.#app.view.selected);
    return this.brush ? new Set([...selected, ...this.#brushed]) : selected;
  });
  readonly marks: Marks = $derived.by(() => ({ hovered: this.#app.view.hovered, brush: this.brush }));

  /** The radius on the screen of a value of the size metric, as models have it in this view. */
  radius(value: number): number {
    const { radius } = this.#app.view.encodings!;
    return radiusOnScreen(this.view, nodeScale(this.scene, this.view), radius(value));
  }

  /** True while models move to their places. */
  get isRearranging(): boolean {
    return this.#motion.moving;
  }

  at(x: number, y: number): number | null {
    return modelAt(this.scene, this.view, x, y);
  }

  get isFitted(): boolean {
    return this.#app.view.zoom === null;
  }

  fit(): void {
    if (this.isFitted) return;
    this.#motion.start(this.layout, this.layout, this.#target);
    this.#app.view.update({ zoom: null }, "replace");
  }

  pan(dx: number, dy: number): void {
    this.#move(pan(this.#target, dx, dy, this.extent));
  }

  zoom(factor: number, at: [number, number] = [this.width / 2, this.height / 2]): void {
    const to = zoom(this.#target, factor, at, this.extent);
    const { width, height, headings } = this.extent;
    const lost = nearestOutside(this.scene, to, [0, headingHeight(to.kx, headings), width, height]);
    this.#move(lost === null ? to : reveal(to, this.layout.x[lost]!, this.layout.y[lost]!, this.extent));
  }

  /** Show another part; the map has come to rest unless it moves again soon. */
  #move(to: Viewport): void {
    const whole = fit(this.extent);
    const isWhole = to.kx === whole.kx && to.ky === whole.ky && to.tx === whole.tx && to.ty === whole.ty;
    this.moving = true;
    this.#app.view.update({ zoom: isWhole ? null : middleOf(to, this.extent) }, "replace");
    window.clearTimeout(this.#rest);
    this.#rest = window.setTimeout(() => (this.moving = false), REST);
  }

  /** True while the tree is larger than the paper. */
  readonly isLarger: boolean = $derived.by(() => {
    const { kx, ky } = this.#target;
    const { columns, rows, width, height, headings } = this.extent;
    return kx * (columns - 1) > width || ky * (rows - 1) > height - headingHeight(kx, headings);
  });

  /** Put a place of the layout in the middle of the paper. */
  center(column: number, row: number): void {
    const { kx, ky, tx, ty } = this.#target;
    const top = headingHeight(kx, this.extent.headings);
    this.pan(this.width / 2 - kx * column - tx, (this.height + top) / 2 - ky * row - ty);
  }

  /** Bring a model into view, if it is not. */
  reveal(model: number): void {
    const next = reveal(this.#target, this.layout.x[model]!, this.layout.y[model]!, this.extent);
    if (next !== this.#target) this.#move(next);
  }

  /** End a brush: it replaces the selection, or adds to it, or (when all of it is selected) removes. */
  endBrush(adding: boolean): void {
    const models = this.#brushed;
    const { selected } = this.#app.view;
    const mode = !adding ? "replace" : models.every((i) => selected.has(i)) ? "remove" : "add";
    this.brush = null;
    this.#app.view.select(models, mode);
  }

  /** Tell that the layout was another one before: models move over. */
  moveFrom(before: { table: ModelTable; layout: Layout; view: Viewport }): void {
    this.#motion.start(carryPlaces(before.table, before.layout, this.table, this.layout), this.layout, before.view);
  }

  stop(): void {
    window.clearTimeout(this.#rest);
    this.#motion.stop();
  }
}
