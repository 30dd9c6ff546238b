/** Moves the models from one layout to the next, so that each can be followed with the eye. */
import type { ModelTable } from "@/state/table";
import type { Layout } from "./layout";
import { mix, type Viewport } from "./viewport";

const DURATION = 250;

type Places = { x: Float32Array; y: Float32Array };

interface Move {
  from: Places;
  to: Places;
  fromView: Viewport;
}

const eased = (t: number): number => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

export class Motion {
  #move: Move | null = $state.raw(null);
  #t = $state(1);
  #request = 0;

  /** Where models are at this moment, on their way to `layout`. */
  places(layout: Layout): Places {
    const move = this.#move;
    if (!move || move.to !== layout) return layout;
    const lerp = (a: Float32Array, b: Float32Array): Float32Array => b.map((end, i) => a[i]! + (end - a[i]!) * this.#t);
    return { x: lerp(move.from.x, layout.x), y: lerp(move.from.y, layout.y) };
  }

  view(layout: Layout, view: Viewport): Viewport {
    const move = this.#move;
    return move && move.to === layout ? mix(move.fromView, view, this.#t) : view;
  }

  /** Start to move; without motion where the person asked for none. */
  start(from: Places, to: Layout, fromView: Viewport): void {
    this.stop();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#move = { from, to, fromView };
    this.#t = 0;
    const begin = performance.now();
    const tick = (now: number): void => {
      const t = Math.min(1, Math.max(0, now - begin) / DURATION);
      this.#t = eased(t);
      if (t < 1) this.#request = requestAnimationFrame(tick);
      else this.#move = null;
    };
    this.#request = requestAnimationFrame(tick);
  }

  stop(): void {
    cancelAnimationFrame(this.#request);
    this.#move = null;
    this.#t = 1;
  }
}

/** Places of the models of one table in another: those that are new come out of their base. */
export function carryPlaces(before: ModelTable, places: Places, after: ModelTable, layout: Layout): Places {
  if (before === after) return places;
  const from: Places = { x: layout.x.slice(), y: layout.y.slice() };
  for (let i = 0; i < after.count; i++) {
    for (let at = i; at >= 0; at = after.base[at]!) {
      const old = before.indexOf.get(after.ids[at]!);
      if (old === undefined) continue;
      from.x[i] = places.x[old]!;
      from.y[i] = places.y[old]!;
      break;
    }
  }
  return from;
}
