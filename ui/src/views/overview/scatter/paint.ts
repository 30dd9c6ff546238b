/** Draws the points on a canvas, and above them the rings of what is hovered and selected. */
import { pixelRatio } from "@/widgets/ratio";
import type { Axis } from "@/charts/axis";
import { traceCross } from "@/charts/cross";
import type { Extent } from "@/charts/domain";
import type { Encodings } from "@/state/encodings";
import { RADIUS_DEFAULT } from "@/state/encodings";
import { CHROME, FILTERED } from "@/styles/ramps";
import type { Pen } from "@/export/svgPen";
import type { Scene, Size } from "./scene";

type Context = Pen;

/** Points are a little smaller than the map's nodes: they overlap more. */
const SCALE = 0.8;
/** The smallest model is often the one that matters: it can always be seen. */
const LEAST = 3.5;
/** More intervals than this could not be told apart; those of what is selected can, up to as many. */
const MOST_INTERVALS = 150;
/** Above this many points edges cost more time than they help the eye. */
const MOST_EDGES = 2500;

/** Sizes a canvas for the screen's pixels and clears it. */
export function prepare(canvas: HTMLCanvasElement, { width, height }: Size): CanvasRenderingContext2D | null {
  const ratio = pixelRatio();
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

export function radiusOf(encodings: Encodings, model: number): number {
  return Math.max(LEAST, (encodings.size(model) ?? RADIUS_DEFAULT) * SCALE);
}

/** Ends of a model's 95% intervals along x and y, in the metrics' units; null where none is known. */
export interface Interval {
  readonly x: Extent | null;
  readonly y: Extent | null;
}

export interface Look {
  readonly encodings: Encodings;
  /** From `paintOrder`: it stays the same while filters change. */
  readonly order: readonly number[];
  /** 1 where a model passes the filters. */
  readonly visible: Uint8Array;
  readonly interval: (model: number) => Interval;
}

/**
 * All points; those that a filter leaves out are faint and below, those
 * without a color or size are hollow with a dash.
 */
export function paintPoints(context: Context, scene: Scene, look: Look): void {
  const { encodings, visible, interval } = look;
  // faint ones first
  const order = [...look.order.filter((i) => !visible[i]), ...look.order.filter((i) => visible[i])];
  const chrome = CHROME[encodings.theme];
  if (order.length <= MOST_INTERVALS)
    paintIntervals(
      context,
      scene,
      order.filter((i) => visible[i]),
      interval,
      chrome.mark,
    );
  let fill = "";
  for (const i of order) {
    const color = encodings.size(i) === null ? null : encodings.color(i);
    context.globalAlpha = visible[i] ? 0.9 : FILTERED;
    if (color === null) {
      paintHollow(context, scene.px[i]!, scene.py[i]!, radiusOf(encodings, i), chrome.quiet);
      fill = "";
      continue;
    }
    if (color !== fill) context.fillStyle = fill = color;
    context.beginPath();
    context.arc(scene.px[i]!, scene.py[i]!, radiusOf(encodings, i), 0, 2 * Math.PI);
    context.fill();
    if (encodings.isBeyond(i) && visible[i]) {
      context.strokeStyle = chrome.text;
      context.lineWidth = 1.5;
      context.beginPath();
      traceCross(context, scene.px[i]!, scene.py[i]!, radiusOf(encodings, i) + 1.5);
      context.stroke();
      continue;
    }
    if (order.length > MOST_EDGES) continue;
    // a thin edge in the background's color keeps neighbors apart
    context.lineWidth = 1;
    context.strokeStyle = chrome.background;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** The models that have a point, the large before the small, so that none hides another. */
export function paintOrder(scene: Scene, encodings: Encodings): readonly number[] {
  const order: number[] = [];
  for (let i = 0; i < scene.px.length; i++) if (!Number.isNaN(scene.px[i]!)) order.push(i);
  const radius = Float64Array.from(scene.px, (_, i) => radiusOf(encodings, i));
  return order.sort((a, b) => radius[b]! - radius[a]! || a - b);
}

function paintHollow(context: Context, x: number, y: number, radius: number, color: string): void {
  context.strokeStyle = color;
  context.lineWidth = 1.25;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.moveTo(x - radius * 0.45, y);
  context.lineTo(x + radius * 0.45, y);
  context.stroke();
}

export interface Marks {
  readonly selected: ReadonlySet<number>;
  readonly hovered: number | null;
  readonly interval: Look["interval"];
}

/** Lines through the points, all in one stroke. */
function paintIntervals(
  context: Context,
  scene: Scene,
  models: Iterable<number>,
  interval: Look["interval"],
  color: string,
): void {
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  for (const i of models) traceInterval(context, scene, i, interval(i));
  context.stroke();
}

function traceInterval(context: Context, { xAxis, yAxis, px, py }: Scene, model: number, { x, y }: Interval): void {
  const [left, top] = [px[model]!, py[model]!];
  if (Number.isNaN(left)) return;
  if (y) {
    context.moveTo(left, pixelOf(yAxis, y[0]));
    context.lineTo(left, pixelOf(yAxis, y[1]));
  }
  if (x) {
    context.moveTo(pixelOf(xAxis, x[0]), top);
    context.lineTo(pixelOf(xAxis, x[1]), top);
  }
}

/** What is at or below zero has no place on a log axis: the line goes to the edge. */
const pixelOf = (axis: Axis, value: number): number => (axis.log && value <= 0 ? axis.range[0] : axis.toPixel(value));

/** Accent rings for the selection, a dark one for what is under the pointer, which is drawn again on top. */
export function paintMarks(context: Context, scene: Scene, encodings: Encodings, marks: Marks): void {
  const chrome = CHROME[encodings.theme];
  const ring = (i: number, color: string, width: number): void => {
    if (Number.isNaN(scene.px[i]!)) return;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.arc(scene.px[i]!, scene.py[i]!, radiusOf(encodings, i) + 1.5, 0, 2 * Math.PI);
    context.stroke();
  };
  const marked = marks.hovered === null ? marks.selected : new Set([...marks.selected, marks.hovered]);
  if (marked.size <= MOST_INTERVALS) paintIntervals(context, scene, marked, marks.interval, chrome.text);
  for (const i of marks.selected) ring(i, chrome.accent, 2);
  const { hovered } = marks;
  if (hovered === null || Number.isNaN(scene.px[hovered]!)) return;
  const color = encodings.color(hovered);
  if (color !== null) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(scene.px[hovered]!, scene.py[hovered]!, radiusOf(encodings, hovered), 0, 2 * Math.PI);
    context.fill();
  }
  ring(hovered, marks.selected.has(hovered) ? chrome.accent : chrome.hover, 2.5);
}
