/** What pointer and wheel do on the map. */
import { closer, turnOf } from "@/charts/wheel";
import type { ViewStore } from "@/state/view.svelte";
import type { MapState } from "./map.svelte";

/** A press that moves less than this many pixels is a click. */
const STILL = 4;

export class MapPointer {
  /** In window coordinates, for the tooltip; null outside the map. */
  position: { x: number; y: number } | null = $state.raw(null);
  /** Where a menu is open, and of which model; null for that of the map. */
  menu: { x: number; y: number; model: number | null } | null = $state.raw(null);
  space = $state(false);
  panning = $state(false);
  #start: { x: number; y: number } | null = null;

  constructor(
    private readonly map: MapState,
    private readonly view: ViewStore,
  ) {}

  down(event: PointerEvent & { currentTarget: HTMLElement }): void {
    if (event.button > 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.view.touched = true;
    this.#start = { x: event.offsetX, y: event.offsetY };
    this.panning = this.space || event.button === 1;
  }

  move(event: PointerEvent): void {
    this.position = { x: event.clientX, y: event.clientY };
    if (this.panning) {
      this.map.pan(event.movementX, event.movementY);
    } else if (this.#start) {
      const { x, y } = this.#start;
      const far = Math.hypot(event.offsetX - x, event.offsetY - y) >= STILL;
      if (far || this.map.brush) this.map.brush = [x, y, event.offsetX, event.offsetY];
    } else this.view.hover(this.map.at(event.offsetX, event.offsetY));
  }

  up(event: PointerEvent): void {
    const adding = this.view.adding || event.shiftKey || event.ctrlKey || event.metaKey;
    if (this.map.brush) this.map.endBrush(adding);
    else if (this.#start && !this.panning) this.#click(this.map.at(event.offsetX, event.offsetY), adding);
    this.cancel();
  }

  leave(): void {
    this.position = null;
    if (!this.#start) this.view.hover(null);
  }

  openMenu(event: MouseEvent): void {
    event.preventDefault();
    this.menu = { x: event.clientX, y: event.clientY, model: this.map.at(event.offsetX, event.offsetY) };
  }

  cancel(): void {
    this.#start = null;
    this.panning = false;
    this.map.brush = null;
  }

  wheel(event: WheelEvent): void {
    event.preventDefault();
    const turn = turnOf(event);
    if (turn.zooms) this.map.zoom(closer(turn) ** 1.5, [event.offsetX, event.offsetY]);
    else this.map.pan(-turn.across, -turn.down);
  }

  #click(model: number | null, adding: boolean): void {
    if (model !== null) this.view.select([model], adding ? "toggle" : "replace");
    else if (!adding) this.view.select([]);
  }
}
