/** Models: discs in their color, hollow with a dash where there is nothing to encode, squares where they are tiny. */
import { CHROME, FILTERED } from "@/styles/ramps";
import { traceCross } from "@/charts/cross";
import { shader } from "../looks";
import {
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

const TINY = 1.5;

export function drawNodes(ctx: Context, scene: Scene, frame: Frame): void {
  drawModels(
    ctx,
    scene,
    frame,
    thin(scene, frame, (i) => isIn(scene, frame, i)),
  );
}

/** Some models, above whatever is there. */
export function drawModels(ctx: Context, scene: Scene, frame: Frame, models: number[]): void {
  const scale = nodeScale(scene, frame.view);
  const solid = models.filter((i) => scene.looks.fill[i] !== "");
  const background = CHROME[scene.looks.theme].background;
  if (scale * scene.looks.largest > 4) {
    // A thin gap keeps a model apart from its edges.
    ctx.fillStyle = background;
    ctx.beginPath();
    for (const i of solid) disc(ctx, scene, frame, i, screenRadius(scene, frame.view, scale, i) + 1.5);
    ctx.fill();
  }
  byColor(solid, scene.looks.fill, (color, group) => {
    ctx.fillStyle = color;
    ctx.beginPath();
    for (const i of group) disc(ctx, scene, frame, i, screenRadius(scene, frame.view, scale, i));
    ctx.fill();
  });
  drawCrosses(
    ctx,
    scene,
    frame,
    solid.filter((i) => scene.looks.beyond[i]),
  );
  for (const i of models) if (scene.looks.fill[i] === "") drawHollow(ctx, scene, frame, i);
  for (const i of models) if (scene.layout.hidden[i]) drawCollapsed(ctx, scene, frame, i);
  const several = models.filter((i) => scene.table.replicates.members.has(i));
  if (several.length > 0) drawSeveral(ctx, scene, frame, several);
}

function isIn(scene: Scene, { view, width, height }: Frame, i: number): boolean {
  const x = screenX(scene, view, i);
  const y = screenY(scene, view, i);
  return x > -16 && x < width + 16 && y > -16 && y < height + 16;
}

function disc(ctx: Context, scene: Scene, { view }: Frame, i: number, radius: number): void {
  const x = screenX(scene, view, i);
  const y = screenY(scene, view, i);
  if (radius <= TINY) {
    ctx.rect(x - radius, Math.round(y) - radius + 0.5, radius * 2, Math.max(1, radius * 2 - 1));
    return;
  }
  ctx.moveTo(x + radius, y);
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
}

/** Models that are worse than where the colors end are crossed out: their color no longer tells by how much. */
function drawCrosses(ctx: Context, scene: Scene, frame: Frame, models: number[]): void {
  const scale = nodeScale(scene, frame.view);
  ctx.strokeStyle = CHROME[scene.looks.theme].text;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const i of models) {
    const reach = screenRadius(scene, frame.view, scale, i);
    if (reach > TINY && !scene.looks.faded[i])
      traceCross(ctx, screenX(scene, frame.view, i), screenY(scene, frame.view, i), reach + 1.5);
  }
  ctx.stroke();
}

function drawHollow(ctx: Context, scene: Scene, frame: Frame, i: number): void {
  const chrome = CHROME[scene.looks.theme];
  // Large enough for its dash, as far as rows allow.
  const least = Math.min(4, frame.view.ky * 0.4);
  const radius = Math.max(least, screenRadius(scene, frame.view, nodeScale(scene, frame.view), i));
  const x = screenX(scene, frame.view, i);
  const y = screenY(scene, frame.view, i);
  ctx.beginPath();
  disc(ctx, scene, frame, i, radius);
  ctx.fillStyle = chrome.background;
  ctx.fill();
  if (radius > TINY) {
    ctx.moveTo(x - radius * 0.45, y);
    ctx.lineTo(x + radius * 0.45, y);
  }
  ctx.strokeStyle = scene.looks.faded[i] ? shader(chrome.background)(chrome.mark, FILTERED * 2) : chrome.mark;
  ctx.lineWidth = radius > 4 ? 1.5 : 1;
  ctx.stroke();
}

/** A second ring around replicates: there are several, which stand at one place. */
function drawSeveral(ctx: Context, scene: Scene, frame: Frame, models: number[]): void {
  const scale = nodeScale(scene, frame.view);
  ctx.strokeStyle = CHROME[scene.looks.theme].mark;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (const i of models) {
    const radius = screenRadius(scene, frame.view, scale, i);
    disc(ctx, scene, frame, i, radius + Math.max(TINY, Math.min(2.5, radius * 0.5)));
  }
  ctx.stroke();
}

/** A bar after a collapsed model: there is more. The number is among the labels. */
function drawCollapsed(ctx: Context, scene: Scene, frame: Frame, i: number): void {
  const radius = screenRadius(scene, frame.view, nodeScale(scene, frame.view), i);
  ctx.strokeStyle = CHROME[scene.looks.theme].quiet;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  const x = screenX(scene, frame.view, i) + radius + 4;
  const y = screenY(scene, frame.view, i);
  ctx.moveTo(x, y - radius);
  ctx.lineTo(x, y + radius);
  ctx.stroke();
}
