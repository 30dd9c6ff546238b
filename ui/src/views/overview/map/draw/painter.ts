/**
 * Draws the map on three canvases. The models are drawn into a picture that is taller than the canvas; as long as
 * drawing is quick that happens in every frame, else a moving map shows the last picture, moved and stretched, and is
 * drawn again when it comes to rest.
 */
import { CHROME } from "@/styles/ramps";
import type { Viewport } from "../viewport";
import { drawEdges } from "./edges";
import { drawNodes } from "./nodes";
import { drawPointer, drawSelection, type Marks } from "./overlay";
import type { Context, Frame, Scene } from "./scene";
import { drawText, type Fonts } from "./text";

/** Milliseconds within which a picture may be redrawn in every frame. */
const QUICK = 9;
const REST = 90;
/** Height of the picture above and below the canvas, as a share of the canvas. */
const OVERSCAN = 0.5;

interface Picture {
  scene: Scene;
  view: Viewport;
  cost: number;
}

export class Painter {
  readonly #base: CanvasRenderingContext2D;
  readonly #selection: CanvasRenderingContext2D;
  readonly #overlay: CanvasRenderingContext2D;
  readonly #canvas = document.createElement("canvas");
  readonly #picture: CanvasRenderingContext2D;
  readonly #fonts = readFonts();
  #size = { width: 0, height: 0, ratio: 1 };
  #last: Picture | null = null;
  #resting = 0;
  #painted = -Infinity;

  /** Canvases one above the other: the models, what is selected, what is under the pointer. */
  constructor(base: HTMLCanvasElement, selection: HTMLCanvasElement, overlay: HTMLCanvasElement) {
    this.#base = base.getContext("2d", { alpha: false })!;
    this.#selection = selection.getContext("2d")!;
    this.#overlay = overlay.getContext("2d")!;
    this.#picture = this.#canvas.getContext("2d", { alpha: false })!;
  }

  resize(width: number, height: number, ratio: number): void {
    if (width === this.#size.width && height === this.#size.height && ratio === this.#size.ratio) return;
    this.#size = { width, height, ratio };
    for (const { canvas } of [this.#base, this.#selection, this.#overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.#canvas.width = this.#base.canvas.width;
    this.#canvas.height = Math.round(this.#base.canvas.height * (1 + 2 * OVERSCAN));
    this.#last = null;
  }

  /** Show a scene; `moving` while the pointer pans or zooms, when an old picture will do. */
  paint(scene: Scene, view: Viewport, moving: boolean): void {
    window.clearTimeout(this.#resting);
    const last = this.#last;
    const slow = last !== null && last.cost > QUICK;
    const same = moving && last?.scene === scene;
    // one look after the other, as while a budget is dragged: the map follows when that comes to rest
    const fleeting = last?.scene.places === scene.places && performance.now() - this.#painted < REST;
    this.#painted = performance.now();
    if (slow && (same || (fleeting && last.scene.table === scene.table))) {
      this.#show(view);
      this.#resting = window.setTimeout(() => this.#redraw(scene, view), REST);
    } else this.#redraw(scene, view);
  }

  #redraw(scene: Scene, view: Viewport): void {
    this.#draw(scene, view);
    this.#show(view);
  }

  select(scene: Scene, view: Viewport, selected: ReadonlySet<number>): void {
    // Nothing to lay over the map while nothing is selected.
    this.#selection.canvas.hidden = !selected.size;
    if (!selected.size) return;
    drawSelection(this.#selection, scene, this.#prepare(this.#selection, view), { selected, fonts: this.#fonts });
  }

  point(scene: Scene, view: Viewport, marks: Marks): void {
    drawPointer(this.#overlay, scene, this.#prepare(this.#overlay, view), { ...marks, fonts: this.#fonts });
  }

  #prepare(ctx: CanvasRenderingContext2D, view: Viewport): Frame {
    const { width, height, ratio } = this.#size;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    return { width, height, view };
  }

  stop(): void {
    window.clearTimeout(this.#resting);
  }

  #draw(scene: Scene, view: Viewport): void {
    const { width, height, ratio } = this.#size;
    const start = performance.now();
    const above = this.#above();
    const ctx = this.#picture;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawScene(
      ctx,
      scene,
      { width, height: height * (1 + 2 * OVERSCAN), view: { ...view, ty: view.ty + above } },
      this.#fonts,
    );
    this.#last = { scene, view, cost: performance.now() - start };
  }

  /** Copy the picture, moved and stretched from the viewport it was drawn for. */
  #show(view: Viewport): void {
    const { width, height, ratio } = this.#size;
    if (!this.#last || !width || !height) return;
    const from = this.#last.view;
    const sx = view.kx / from.kx;
    const sy = view.ky / from.ky;
    const left = view.tx - from.tx * sx;
    const top = view.ty - (from.ty + this.#above()) * sy;
    const ctx = this.#base;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (sx !== 1 || left || top > 0 || top + height * (1 + 2 * OVERSCAN) * sy < height) {
      ctx.fillStyle = CHROME[this.#last.scene.looks.theme].background;
      ctx.fillRect(0, 0, width, height);
    }
    ctx.drawImage(this.#canvas, left, top, width * sx, height * (1 + 2 * OVERSCAN) * sy);
  }

  #above(): number {
    return Math.round(this.#size.height * OVERSCAN * this.#size.ratio) / this.#size.ratio;
  }
}

/** The faces that the page is set in. */
export function readFonts(): Fonts {
  const style = getComputedStyle(document.documentElement);
  return { text: style.getPropertyValue("--font"), mono: style.getPropertyValue("--mono") };
}

/** Draw everything but the marks. */
export function drawScene(ctx: Context, scene: Scene, frame: Frame, fonts: Fonts): void {
  ctx.fillStyle = CHROME[scene.looks.theme].background;
  ctx.fillRect(0, 0, frame.width, frame.height);
  drawEdges(ctx, scene, frame);
  drawText(ctx, scene, frame, fonts);
  drawNodes(ctx, scene, frame);
}
