/** What changes while the pointer moves: the selection's rings, the hovered model with its lineage, the brush. */
import { CHROME } from "@/styles/ramps";
import { traceLine } from "../ribbon";
import { lineage } from "../walk";
import { edgeTo, traceReferences } from "./edges";
import { nodeScale, screenRadius, screenX, screenY, type Context, type Frame, type Scene } from "./scene";
import { drawSteps, type Fonts } from "./text";

export interface Marks {
  selected: ReadonlySet<number>;
  hovered: number | null;
  /** Corners of the rectangle being dragged, in pixels. */
  brush: [number, number, number, number] | null;
}

export function drawOverlay(ctx: Context, scene: Scene, frame: Frame, marks: Marks, fonts: Fonts): void {
  ctx.clearRect(0, 0, frame.width, frame.height);
  const chrome = CHROME[scene.looks.theme];
  if (marks.hovered !== null) drawLineage(ctx, scene, frame, marks.hovered, fonts);
  drawRings(ctx, scene, frame, marks.selected, chrome.accent);
  if (marks.hovered !== null) drawRings(ctx, scene, frame, [marks.hovered], chrome.hover);
  if (marks.brush) drawBrush(ctx, marks.brush, chrome.accent);
}

function drawRings(ctx: Context, scene: Scene, { view, height }: Frame, models: Iterable<number>, color: string): void {
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

/** The way from the root to the hovered model, and its references. */
function drawLineage(ctx: Context, scene: Scene, frame: Frame, model: number, fonts: Fonts): void {
  if (!scene.layout.shown[model]) return;
  const path = lineage(scene.table, model);
  ctx.strokeStyle = CHROME[scene.looks.theme].hover;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const i of path.slice(0, -1)) traceLine(ctx, edgeTo(scene, frame, i));
  ctx.stroke();
  drawSteps(ctx, scene, frame, path, fonts);
  traceReferences(ctx, scene, frame, model);
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
