/** Moves the models from one layout to the next, so that each can be followed with the eye. */
import type { Layout } from "./layout";
import type { Places } from "./places";
import { mix, type Viewport } from "./viewport";

const DURATION = 250;

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

  /** True while models are on their way. */
  get moving(): boolean {
    return this.#move !== null;
  }

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
