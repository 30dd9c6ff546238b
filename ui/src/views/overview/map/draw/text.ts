/**
 * Words on the map: what was done before each model, and names behind leaves and above roots, as far as there is room.
 */
import { placeLabels, type Box } from "@/charts/labels";
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
/** Letters that columns make room for; where there is more room, names take it. */
export const RESERVED_LETTERS = 40;
const MOST_LETTERS = 64;
/** How far a label may reach over the end of the turn, where the edge is all but straight. */
const SLACK = 26;
const FONT = "11px";
/** More nodes than these are not looked at when a name is placed. */
const MOST_OBSTACLES = 400;

export interface Fonts {
  text: string;
  mono: string;
}

/** What is written, with the rectangle that it takes. */
interface Word {
  text: string;
  x: number;
  y: number;
  align: CanvasTextAlign;
  baseline: CanvasTextBaseline;
  font: string;
  ink: "text" | "quiet";
  box: Box;
  /** Whether what is below it is interrupted: where it stands on an edge. */
  covers?: boolean;
}

export function drawText(ctx: Context, scene: Scene, frame: Frame, fonts: Fonts): void {
  for (const word of wordsOf(ctx, scene, frame, fonts)) write(ctx, scene, word);
}

/** All that is written where nothing is selected. */
function wordsOf(ctx: Context, scene: Scene, frame: Frame, fonts: Fonts): Word[] {
  if (frame.view.ky < ROW_FOR_TEXT) return [];
  const { layout, table } = scene;
  const taken = new Set<string>();
  const words: (Word | null)[] = [];
  for (let i = 0; i < table.count; i++) {
    if (!layout.shown[i] || scene.looks.faded[i]) continue;
    const y = screenY(scene, frame.view, i);
    if (y < -20 || y > frame.height + 20) continue;
    words.push(table.base[i]! >= 0 ? stepOf(ctx, scene, frame, i, fonts) : rootOf(ctx, scene, frame, i, fonts));
    if (isEnd(scene, i)) words.push(leafOf(ctx, scene, frame, i, { fonts, taken }));
  }
  return words.filter((word) => word !== null);
}

const isEnd = (scene: Scene, i: number): boolean => !scene.layout.children[i]!.length || scene.layout.hidden[i]! > 0;

/** Once more the parameters of some models, for what is drawn over them. */
export function drawSteps(ctx: Context, scene: Scene, frame: Frame, models: number[], fonts: Fonts): void {
  if (frame.view.ky < ROW_FOR_TEXT) return;
  for (const i of models) {
    const word = scene.table.base[i]! < 0 ? null : stepOf(ctx, scene, frame, i, fonts);
    if (word) write(ctx, scene, word);
  }
}

/** The parameters, right before the model on the straight part of its edge. */
function stepOf(ctx: Context, scene: Scene, { view }: Frame, i: number, fonts: Fonts): Word | null {
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i);
  const length = x - screenX(scene, view, scene.table.base[i]!);
  const room = length - turnOf(view.kx, length) - radius;
  const text = [scene.labels.long[i]!, scene.labels.short[i]!].find(
    (label) => room > label.length * TEXT_LETTER - SLACK,
  );
  if (!text) return null;
  const font = `${FONT} ${fonts.text}`;
  ctx.font = font;
  const thickness = bandWidth(radius);
  const y = screenY(scene, view, i);
  const width = ctx.measureText(text).width;
  const word = { text, align: "right", font, ink: "text" } as const;
  if (view.ky - thickness >= FREE) {
    const [right, below] = [x - radius - 2, y - thickness / 2 - 3];
    const box = { x: right - width, y: below - 10, width, height: 12 };
    return { ...word, x: right, y: below, baseline: "alphabetic", box };
  }
  // The edge is interrupted only where it is straight and alone.
  const gap = Math.min(width + 6, room);
  const box = { x: x - radius - 2 - gap, y: y - 6, width: gap, height: 12 };
  return { ...word, x: x - radius - 5, y: y + 0.5, baseline: "middle", box, covers: true };
}

/** Width of a letter of a name, on average. */
export const letterOf = ({ names }: Pick<Scene, "names">): number => (names.areIds ? LETTER : NAME_LETTER);

function leafOf(
  ctx: Context,
  scene: Scene,
  { view, width }: Frame,
  i: number,
  { fonts, taken }: { fonts: Fonts; taken: Set<string> },
): Word | null {
  const hidden = scene.layout.hidden[i]!;
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i) + radius + (hidden ? 9 : 6);
  const letters = Math.floor((width - 8 - x) / letterOf(scene));
  if (letters < 5) return null;
  const count = hidden ? `+${hidden} ` : "";
  const font = `${FONT} ${scene.names.areIds ? fonts.mono : fonts.text}`;
  ctx.font = font;
  // names cut to different lengths can be equal, names in whole cannot
  const short = scene.names.at(Math.max(4, Math.min(MOST_LETTERS, letters - count.length)))[i]!;
  const name = taken.has(short) ? scene.names.at(WHOLE)[i]! : short;
  const text = count + name;
  const length = ctx.measureText(text).width;
  if (x + length > width) return null;
  taken.add(name);
  const y = screenY(scene, view, i);
  const box = { x, y: y - 6, width: length, height: 12 };
  return { text, x, y: y + 0.5, align: "left", baseline: "middle", font, ink: "quiet", box };
}

/** More selected models than these are told apart in the panel, not on the map. */
const MOST_NAMED = 12;
const NAME = 44;

/** Names of selected models that have no room for one among the others, each where it meets nothing that is written. */
export function drawNames(ctx: Context, scene: Scene, frame: Frame, models: Iterable<number>, fonts: Fonts): void {
  const { view, width } = frame;
  const unnamed = [...models].filter(
    (i) => scene.layout.shown[i] && (view.ky < ROW_FOR_TEXT || (scene.table.base[i]! >= 0 && !isEnd(scene, i))),
  );
  if (unnamed.length === 0 || unnamed.length > MOST_NAMED) return;
  const obstacles = [...wordsOf(ctx, scene, frame, fonts).map(({ box }) => box), ...nodeBoxes(scene, frame)];
  const font = `${FONT} ${scene.names.areIds ? fonts.mono : fonts.text}`;
  ctx.font = font;
  const names = selectedNames(scene, view, unnamed);
  const scale = nodeScale(scene, view);
  const requests = unnamed.map((i) => ({
    x: screenX(scene, view, i),
    y: screenY(scene, view, i),
    width: ctx.measureText(names.get(i)!).width + 4,
    height: 13,
    gap: screenRadius(scene, view, scale, i) + 1,
  }));
  const paper = { x: 0, y: -20, width: width - 4, height: frame.height + 40 };
  for (const { index, ...box } of placeLabels(requests, paper, obstacles)) {
    const [text, x, y] = [names.get(unnamed[index]!)!, box.x + 2, box.y + 7];
    write(ctx, scene, { text, x, y, align: "left", baseline: "middle", font, ink: "text", box, covers: true });
  }
}

/** Where models are drawn, as long as there are so few that this matters. */
function nodeBoxes(scene: Scene, { view, height }: Frame): Box[] {
  const scale = nodeScale(scene, view);
  const boxes: Box[] = [];
  for (let i = 0; i < scene.table.count && boxes.length < MOST_OBSTACLES; i++) {
    const y = screenY(scene, view, i);
    if (!scene.layout.shown[i] || y < -20 || y > height + 20) continue;
    const [x, radius] = [screenX(scene, view, i), screenRadius(scene, view, scale, i)];
    boxes.push({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius });
  }
  return boxes;
}

/** As leaves are called, where these have names; else by what differs between the selected models alone. */
function selectedNames({ table, names }: Scene, { ky }: Viewport, models: readonly number[]): Map<number, string> {
  if (ky >= ROW_FOR_TEXT) return new Map(models.map((i) => [i, names.at(NAME)[i]!]));
  return namesWithin(table, models, { byId: names.areIds, limit: NAME });
}

/** Above a root and to its left, where no edge goes. */
function rootOf(ctx: Context, scene: Scene, { view }: Frame, i: number, fonts: Fonts): Word | null {
  if (isEnd(scene, i)) return null;
  const radius = screenRadius(scene, view, nodeScale(scene, view), i);
  const x = screenX(scene, view, i) + 1;
  const letters = Math.max(4, Math.floor((Math.max(view.kx * 0.5, Math.min(x, 140)) - 4) / LETTER));
  const font = `${FONT} ${fonts.mono}`;
  ctx.font = font;
  const text = shorten(scene.table.ids[i]!, letters);
  const y = screenY(scene, view, i) - radius - 6;
  const width = ctx.measureText(text).width;
  const box = { x: x - width, y: y - 10, width, height: 12 };
  return { text, x, y, align: "right", baseline: "alphabetic", font, ink: "text", box };
}

function write(ctx: Context, scene: Scene, { text, x, y, align, baseline, font, ink, box, covers }: Word): void {
  const chrome = CHROME[scene.looks.theme];
  if (covers) {
    ctx.fillStyle = chrome.background;
    ctx.fillRect(box.x, box.y, box.width, box.height);
  }
  ctx.font = font;
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.strokeStyle = chrome.background;
  ctx.lineJoin = "round";
  ctx.lineWidth = 3;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = chrome[ink];
  ctx.fillText(text, x, y);
}
