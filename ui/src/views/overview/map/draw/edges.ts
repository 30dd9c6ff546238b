/** Edges: ribbons between the looks of their ends, lines where there are too many, dashes for references. */
import { CHROME } from "@/styles/ramps";
import { traceLine, traceRibbon, turnOf, type Ribbon } from "../ribbon";
import {
  bandWidth,
  byColor,
  nodeScale,
  screenRadius,
  screenX,
  screenY,
  thin,
  type Context,
  type Frame,
  type Scene,
} from "./scene";

/** More edges than this in the frame are drawn as lines of one color. */
const RIBBONS = 1200;
const REFERENCES = 400;

/** The edge that leads to a model. */
export function edgeTo(scene: Scene, { view }: Frame, i: number): Ribbon {
  const parent = scene.table.base[i]!;
  const scale = nodeScale(scene, view);
  const x0 = screenX(scene, view, parent);
  const x1 = screenX(scene, view, i);
  return {
    x0,
    y0: screenY(scene, view, parent),
    w0: bandWidth(screenRadius(scene, view, scale, parent)),
    x1,
    y1: screenY(scene, view, i),
    w1: bandWidth(screenRadius(scene, view, scale, i)),
    turn: turnOf(view.kx, x1 - x0),
  };
}

export function drawEdges(ctx: Context, scene: Scene, frame: Frame): void {
  const models = thin(scene, frame, (i) => scene.table.base[i]! >= 0 && crosses(scene, frame, i));
  if (models.length > RIBBONS) drawLines(ctx, scene, frame, models);
  else for (const i of models) drawRibbon(ctx, scene, edgeTo(scene, frame, i), i);
  drawReferences(ctx, scene, frame);
}

function crosses(scene: Scene, { view, width, height }: Frame, i: number): boolean {
  const parent = scene.table.base[i]!;
  const y0 = screenY(scene, view, parent);
  const y1 = screenY(scene, view, i);
  const margin = 12;
  if (Math.max(y0, y1) < -margin || Math.min(y0, y1) > height + margin) return false;
  return screenX(scene, view, i) > -margin && screenX(scene, view, parent) < width + margin;
}

function drawRibbon(ctx: Context, scene: Scene, ribbon: Ribbon, i: number): void {
  const colors = bandColors(scene, i);
  if (colors.length === 1 || ribbon.x1 - ribbon.x0 < 1) ctx.fillStyle = colors.at(-1)!;
  else {
    const gradient = ctx.createLinearGradient(ribbon.x0, 0, ribbon.x1, 0);
    colors.forEach((color, k) => gradient.addColorStop(k / (colors.length - 1), color));
    ctx.fillStyle = gradient;
  }
  ctx.beginPath();
  traceRibbon(ctx, ribbon);
  ctx.fill();
}

/** Colors along an edge: through the scale from the parent's value to the child's, not across it. */
function bandColors({ table, looks }: Scene, i: number): string[] {
  const parent = table.base[i]!;
  const [from, to] = [looks.shade[parent]!, looks.shade[i]!];
  if (from === to && looks.faded[parent] === looks.faded[i]) return [looks.band[i]!];
  const shades = looks.shades[looks.faded[i]!]!;
  if (from < 0 || to < 0) return [from < 0 ? looks.band[i]! : shades[from]!, looks.band[i]!];
  const stops = 1 + Math.ceil(Math.abs(to - from) / 8);
  return Array.from({ length: stops + 1 }, (_, k) => shades[Math.round(from + ((to - from) * k) / stops)]!);
}

function drawLines(ctx: Context, scene: Scene, frame: Frame, models: number[]): void {
  ctx.lineWidth = Math.max(1, Math.min(3, frame.view.ky * 0.5));
  byColor(models, scene.looks.band, (color, group) => {
    ctx.strokeStyle = color;
    ctx.beginPath();
    for (const i of group) {
      const edge = edgeTo(scene, frame, i);
      traceLine(ctx, { ...edge, y0: Math.round(edge.y0) + 0.5, y1: Math.round(edge.y1) + 0.5 });
    }
    ctx.stroke();
  });
}

/** Second parents (a teacher, …): thin dashed curves. Where there are many, the overlay draws those of one model. */
function drawReferences(ctx: Context, scene: Scene, frame: Frame): void {
  const referring: number[] = [];
  scene.table.references.forEach((list, i) => list.length && referring.push(i));
  if (referring.length > REFERENCES) return;
  for (const i of referring) traceReferences(ctx, scene, frame, i);
}

/** Draw the references of one model. */
export function traceReferences(ctx: Context, scene: Scene, { view }: Frame, i: number): void {
  ctx.save();
  ctx.strokeStyle = CHROME[scene.looks.theme].mark;
  ctx.globalAlpha = scene.looks.faded[i] ? 0.15 : 0.8;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 3]);
  ctx.beginPath();
  for (const { model } of scene.table.references[i]!) {
    const [x0, y0] = [screenX(scene, view, model), screenY(scene, view, model)];
    const [x1, y1] = [screenX(scene, view, i), screenY(scene, view, i)];
    const lift = Math.min(40, view.ky * 0.8) * (y1 < y0 ? -1 : 1);
    ctx.moveTo(x0, y0);
    ctx.bezierCurveTo(x0 + (x1 - x0) * 0.4, y0 - lift, x0 + (x1 - x0) * 0.6, y1 - lift, x1, y1);
  }
  ctx.stroke();
  ctx.restore();
}
