/**
 * Words on the map: what was done before each model, and names behind leaves and above roots, as far as there is room.
 */
import { shorten } from "@/format";
import { namesWithin } from "@/state/steps";
import { CHROME } from "@/styles/ramps";
import { WHOLE } from "../names";
import { turnOf } from "../ribbon";
import { ROW_FOR_TEXT, type Viewport } from "../viewport";
import { bandWidth, nodeScale, screenRadius, screenX, screenY, type Context, type Frame, type Scene } from "./scene";

/** Free pixels between two rows from which words stand above their edge; else they interrupt it. */
const FREE = 11;
/** Width of a letter in the monospace and, on average, in the text face. */
export const LETTER = 6.65;
const TEXT_LETTER = 5.6;
/** The same with room for capitals, digits and arrows. */
const NAME_LETTER = 6;
export const MOST_LETTERS = 40;
/** How far a label may reach over the end of the turn, where the edge is all but straight. */
const SLACK = 26;
const FONT = "11px";

export interface Fonts {
  text: string;
  mono: string;
}

export function drawText(ctx: Context, scene: Scene, frame: Frame, fonts: Fonts): void {
  if (frame.view.ky < ROW_FOR_TEXT) return;
  const { layout, table } = scene;
  const taken = new Set<string>();
  for (let i = 0; i < table.count; i++) {
    if (!layout.shown[i] || scene.looks.faded[i]) continue;
    const y = screenY(scene, frame.view, i);
    if (y < -20 || y > frame.height + 20) continue;
    if (table.base[i]! >= 0) drawStep(ctx, scene, frame, i, fonts);
    else drawRoot(ctx, scene, frame, i, fonts);
    if (isEnd(scene, i)) drawLeaf(ctx, scene, frame, i, { fonts, taken });
  }
}

const isEnd = (scene: Scene, i: number): boolean => !scene.layout.children[i]!.length || scene.layout.hidden[i]! > 0;

/** Once more the parameters of some models, for what is drawn over them. */
export function drawSteps(ctx: Context, scene: Scene, frame: Frame, models: number[], fonts: Fonts): void {
  if (frame.view.ky < ROW_FOR_TEXT) return;
  for (const i of models) if (scene.table.base[i]! >= 0) drawStep(ctx, scene, frame, i, fonts);
}

/** The parameters, right before the model on the straight part of its edge. */
function drawStep(ctx: Context, scene: Scene, { view }: Frame, i: number, fonts: Fonts): void {
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i);
  const length = x - screenX(scene, view, scene.table.base[i]!);
  const room = length - turnOf(view.kx, length) - radius;
  const label = [scene.labels.long[i]!, scene.labels.short[i]!].find(
    (text) => room > text.length * TEXT_LETTER - SLACK,
  );
  if (!label) return;
  ctx.font = `${FONT} ${fonts.text}`;
  ctx.textAlign = "right";
  const ink = inkOf(scene, "text");
  const thickness = bandWidth(radius);
  const y = screenY(scene, view, i);
  if (view.ky - thickness >= FREE) {
    ctx.textBaseline = "alphabetic";
    write(ctx, label, [x - radius - 2, y - thickness / 2 - 3], ink);
    return;
  }
  const width = ctx.measureText(label).width;
  // The edge is interrupted only where it is straight and alone.
  const gap = Math.min(width + 6, room);
  ctx.fillStyle = ink.halo;
  ctx.fillRect(x - radius - 2 - gap, y - 6, gap, 12);
  ctx.textBaseline = "middle";
  write(ctx, label, [x - radius - 5, y + 0.5], ink);
}

/** Width of a letter of a name, on average. */
export const letterOf = ({ names }: Pick<Scene, "names">): number => (names.areIds ? LETTER : NAME_LETTER);

function drawLeaf(
  ctx: Context,
  scene: Scene,
  { view, width }: Frame,
  i: number,
  { fonts, taken }: { fonts: Fonts; taken: Set<string> },
): void {
  const hidden = scene.layout.hidden[i]!;
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i) + radius + (hidden ? 9 : 6);
  const letters = Math.floor((width - 8 - x) / letterOf(scene));
  if (letters < 5) return;
  const count = hidden ? `+${hidden} ` : "";
  ctx.font = `${FONT} ${scene.names.areIds ? fonts.mono : fonts.text}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  // names cut to different lengths can be equal, names in whole cannot
  const short = scene.names.at(Math.max(4, Math.min(MOST_LETTERS, letters - count.length)))[i]!;
  const name = taken.has(short) ? scene.names.at(WHOLE)[i]! : short;
  if (x + ctx.measureText(count + name).width > width) return;
  taken.add(name);
  write(ctx, count + name, [x, screenY(scene, view, i) + 0.5], inkOf(scene, "quiet"));
}

/** More selected models than these are told apart in the panel, not on the map. */
const MOST_NAMED = 12;
const NAME = 34;

/** Names of selected models that have no room for one among the others, each where it meets none of those before. */
export function drawNames(
  ctx: Context,
  scene: Scene,
  { view, width }: Frame,
  models: Iterable<number>,
  fonts: Fonts,
): void {
  const unnamed = [...models].filter(
    (i) => scene.layout.shown[i] && (view.ky < ROW_FOR_TEXT || (scene.table.base[i]! >= 0 && !isEnd(scene, i))),
  );
  if (unnamed.length > MOST_NAMED) return;
  ctx.font = `${FONT} ${scene.names.areIds ? fonts.mono : fonts.text}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const names = selectedNames(scene, view, unnamed);
  const placed: (readonly [number, number, number])[] = [];
  for (const i of unnamed) {
    const name = names.get(i)!;
    const length = ctx.measureText(name).width;
    const y = screenY(scene, view, i) - 9;
    const x = Math.min(screenX(scene, view, i) + 8, width - 8 - length);
    if (placed.some(([x0, x1, y0]) => x < x1 && x + length > x0 && Math.abs(y - y0) < 12)) continue;
    placed.push([x, x + length, y]);
    write(ctx, name, [x, y], inkOf(scene, "text"));
  }
}

/** As leaves are called, where these have names; else by what differs between the selected models alone. */
function selectedNames({ table, names }: Scene, { ky }: Viewport, models: readonly number[]): Map<number, string> {
  if (ky >= ROW_FOR_TEXT) return new Map(models.map((i) => [i, names.at(NAME)[i]!]));
  return namesWithin(table, models, { byId: names.areIds, limit: NAME });
}

/** Above a root and to its left, where no edge goes. */
function drawRoot(ctx: Context, scene: Scene, { view }: Frame, i: number, fonts: Fonts): void {
  if (isEnd(scene, i)) return;
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i) + radius;
  const letters = Math.max(4, Math.floor((Math.max(view.kx * 0.5, Math.min(x, 140)) - 4) / LETTER));
  ctx.font = `${FONT} ${fonts.mono}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "alphabetic";
  write(ctx, shorten(scene.table.ids[i]!, letters), [x, screenY(scene, view, i) - radius - 6], inkOf(scene, "text"));
}

interface Ink {
  color: string;
  halo: string;
}

const inkOf = (scene: Scene, color: "text" | "quiet"): Ink => ({
  color: CHROME[scene.looks.theme][color],
  halo: CHROME[scene.looks.theme].background,
});

function write(ctx: Context, text: string, [x, y]: [number, number], { color, halo }: Ink): void {
  ctx.strokeStyle = halo;
  ctx.lineJoin = "round";
  ctx.lineWidth = 3;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}
