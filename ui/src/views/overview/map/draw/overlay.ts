/** What is drawn above the models: the selection with its lineages, the hovered model with its own, the brush. */
import { CHROME } from "@/styles/ramps";
import { traceLine } from "../ribbon";
import { lineage } from "../walk";
import { drawModels } from "./nodes";
import { edgeTo, traceReferences } from "./edges";
import { nodeScale, screenRadius, screenX, screenY, type Context, type Frame, type Scene } from "./scene";
import { drawNames, drawSteps, type Fonts } from "./text";

/** Steps on the lineages of a selection; beyond them nothing would be told apart, and it would take long. */
const MOST_STEPS = 4000;
/** Steps that have their parameters and models drawn once more above the line. */
const MOST_LABELS = 60;

export interface Marks {
  hovered: number | null;
  /** Corners of the rectangle being dragged, in pixels. */
  brush: [number, number, number, number] | null;
}

/** Rings around the selected models, and the ways that lead to them from their roots. */
export function drawSelection(
  ctx: Context,
  scene: Scene,
  frame: Frame,
  { selected, fonts }: { selected: ReadonlySet<number>; fonts: Fonts },
): void {
  const { accent } = CHROME[scene.looks.theme];
  drawPath(ctx, scene, frame, { steps: lineages(scene, selected), color: accent, fonts });
  drawRings(ctx, scene, frame, { models: selected, color: accent });
  drawNames(ctx, scene, frame, selected, fonts);
}

export function drawPointer(
  ctx: Context,
  scene: Scene,
  frame: Frame,
  { hovered, brush, fonts }: Marks & { fonts: Fonts },
): void {
  const chrome = CHROME[scene.looks.theme];
  if (hovered !== null) {
    if (scene.layout.shown[hovered]) {
      const steps = lineage(scene.table, hovered).slice(0, -1);
      drawPath(ctx, scene, frame, { steps, color: chrome.hover, fonts });
      traceReferences(ctx, scene, frame, hovered);
    }
    drawRings(ctx, scene, frame, { models: [hovered], color: chrome.hover });
  }
  if (brush) drawBrush(ctx, brush, chrome.accent);
}

/** Every step that led to one of some models, once; none where they are too many. */
function lineages({ table, layout }: Scene, models: ReadonlySet<number>): number[] {
  const steps = new Set<number>();
  for (const model of models) {
    for (let i = model; table.base[i]! >= 0 && !steps.has(i); i = table.base[i]!) {
      if (!layout.shown[i]) continue;
      steps.add(i);
      if (steps.size > MOST_STEPS) return [];
    }
  }
  return [...steps];
}

function drawRings(
  ctx: Context,
  scene: Scene,
  { view, height }: Frame,
  { models, color }: { models: Iterable<number>; color: string },
): void {
  const scale = nodeScale(scene, view);
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.lineWidth = 2;
  const small = view.ky < 7;
  ctx.beginPath();
  for (const i of models) {
    if (!scene.layout.shown[i]) continue;
    const x = screenX(scene, view, i);
    const y = screenY(scene, view, i);
    if (y < -20 || y > height + 20) continue;
    const radius = screenRadius(scene, view, scale, i) + (small ? 1.5 : 3);
    if (small) ctx.rect(x - radius, y - radius, radius * 2, radius * 2);
    else {
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
    }
  }
  if (small) ctx.fill();
  else ctx.stroke();
}

interface Path {
  /** The models that the steps led to. */
  steps: number[];
  color: string;
  fonts: Fonts;
}

function drawPath(ctx: Context, scene: Scene, frame: Frame, { steps, color, fonts }: Path): void {
  ctx.strokeStyle = color;
  ctx.lineWidth = frame.view.ky < 3 ? 1 : 1.5;
  ctx.beginPath();
  for (const i of steps) traceLine(ctx, edgeTo(scene, frame, i));
  ctx.stroke();
  if (steps.length > MOST_LABELS) return;
  drawSteps(ctx, scene, frame, steps, fonts);
  drawModels(ctx, scene, frame, [...new Set(steps.flatMap((i) => [scene.table.base[i]!, i]))]);
}

function drawBrush(ctx: Context, [x0, y0, x1, y1]: [number, number, number, number], color: string): void {
  ctx.save();
  ctx.globalAlpha = 0.12;
  ctx.fillStyle = color;
  ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.strokeRect(Math.round(x0) + 0.5, Math.round(y0) + 0.5, Math.round(x1 - x0), Math.round(y1 - y0));
  ctx.restore();
}
