/** The candidates side by side as a picture of its own: for a report, or as one slide. */
import type { Picture } from "@/export/picture";
import type { Pen } from "@/export/svgPen";
import { CHROME, type Theme } from "@/styles/ramps";
import type { Candidate } from "./candidates";

export interface Shown {
  /** The base first. */
  readonly rows: readonly Candidate[];
  readonly verdict: string;
  /** Of each row: how it was made, and its id. */
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly cost: string;
  readonly quality: string;
  readonly theme: Theme;
  readonly font: string;
}

const WIDTH = 960;
const SLIDE = 540;
const EDGE = 40;
const ROW = 58;
/** Lines of the verdict, and where the table begins below them. */
const LINE = 32;
const COLUMNS = { cost: 400, quality: 640 } as const;
const LONG = { cost: 180, quality: 260 } as const;

/** As high as it needs to be, or as a slide of 16 : 9, whose rows share the room. */
export function candidatesPicture(shown: Shown, slide: boolean): Picture {
  const needed = EDGE + 3 * LINE + 24 + shown.rows.length * ROW + EDGE / 2;
  const height = slide ? SLIDE : needed;
  const row = slide ? Math.min(80, (height - needed) / shown.rows.length + ROW) : ROW;
  return { width: WIDTH, height, draw: (pen) => drawAll(pen, shown, height, row) };
}

function drawAll(pen: Pen, shown: Shown, height: number, row: number): void {
  const chrome = CHROME[shown.theme];
  pen.fillStyle = chrome.background;
  pen.fillRect(0, 0, WIDTH, height);
  pen.textBaseline = "alphabetic";
  pen.textAlign = "left";
  pen.font = `600 22px ${shown.font}`;
  pen.fillStyle = chrome.text;
  const lines = wrapped(pen, shown.verdict, WIDTH - 2 * EDGE).slice(0, 3);
  lines.forEach((line, k) => pen.fillText(line, EDGE, EDGE + 10 + k * LINE));
  const top = EDGE + lines.length * LINE + 20;
  pen.font = `13px ${shown.font}`;
  pen.fillStyle = chrome.quiet;
  pen.fillText("Model", EDGE, top);
  pen.fillText(shown.cost, COLUMNS.cost, top);
  pen.fillText(`${shown.quality}, 95%`, COLUMNS.quality, top);
  const scale = qualityScale(shown.rows);
  shown.rows.forEach((_, k) => drawRow(pen, shown, scale, { k, y: top + 14 + k * row }));
}

function drawRow(pen: Pen, shown: Shown, x: (value: number) => number, { k, y }: { k: number; y: number }): void {
  const chrome = CHROME[shown.theme];
  const one = shown.rows[k]!;
  pen.fillStyle = chrome.hairline;
  pen.fillRect(EDGE, y, WIDTH - 2 * EDGE, 1);
  pen.font = `15px ${shown.font}`;
  pen.fillStyle = chrome.text;
  const name = `${shown.names[k]}${k === 0 ? " (base)" : ""}`;
  pen.fillText(cut(pen, name, COLUMNS.cost - EDGE - 16), EDGE, y + 24);
  pen.fillText(one.costText, COLUMNS.cost, y + 42);
  pen.fillText(one.qualityText, COLUMNS.quality, y + 42);
  pen.font = `12px ${shown.font}`;
  pen.fillStyle = chrome.quiet;
  if (shown.ids[k] !== shown.names[k]) pen.fillText(cut(pen, shown.ids[k]!, COLUMNS.cost - EDGE - 16), EDGE, y + 42);
  const largest = Math.max(...shown.rows.map(({ cost }) => cost?.value ?? 0));
  pen.fillStyle = chrome.mark;
  if (one.cost && largest > 0) pen.fillRect(COLUMNS.cost, y + 12, (one.cost.value / largest) * LONG.cost, 10);
  drawInterval(pen, shown, x, { one, y: y + 17 });
}

function drawInterval(
  pen: Pen,
  { rows, theme }: Shown,
  x: (value: number) => number,
  { one, y }: { one: Candidate; y: number },
): void {
  const chrome = CHROME[theme];
  const line = (color: string, [x0, y0, x1, y1]: readonly [number, number, number, number]): void => {
    pen.strokeStyle = color;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
  };
  const base = rows[0]?.quality;
  if (base) line(chrome.border, [x(base.value), y - 8, x(base.value), y + 8]);
  if (one.interval) line(chrome.text, [x(one.interval[0]), y, x(one.interval[1]), y]);
  if (!one.quality) return;
  pen.fillStyle = chrome.text;
  pen.beginPath();
  pen.arc(x(one.quality.value), y, 4.5, 0, 2 * Math.PI);
  pen.fill();
}

/** The place of a quality on the axis that all intervals share. */
function qualityScale(rows: readonly Candidate[]): (value: number) => number {
  const ends = rows.flatMap(({ quality, interval }) => interval ?? (quality ? [quality.value] : []));
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return (value) => COLUMNS.quality + 6 + (high > low ? (value - low) / (high - low) : 0.5) * (LONG.quality - 12);
}

/** A text in lines that are no wider than there is room; a word is never broken. */
export function wrapped(pen: Pick<Pen, "measureText">, text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && pen.measureText(longer).width <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A text without what has no room at its start, since names differ in their ends. */
function cut(pen: Pick<Pen, "measureText">, text: string, room: number): string {
  let shown = text;
  while (shown.length > 2 && pen.measureText(shown).width > room) shown = `…${shown.slice(2)}`;
  return shown;
}
