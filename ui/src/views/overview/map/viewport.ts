/** From columns and rows to pixels: the two scales zoom apart, because a tree of 10,000 rows has ten columns. */

export interface Viewport {
  /** Pixels per column and per row. */
  kx: number;
  ky: number;
  /** Pixel position of column 0 and row 0. */
  tx: number;
  ty: number;
}

/** What is to be seen and where: columns and rows of the layout, pixels of the canvas. */
export interface Extent {
  columns: number;
  rows: number;
  width: number;
  height: number;
  /** The names of the columns, as they are written. */
  headings: readonly string[];
  /** Pixels that the longest label of a leaf would like, and of a root that has children. */
  labels: number;
  roots: number;
}

/** Free pixels around the models; headings are above, labels of leaves on the right. */
export const MARGIN = { left: 36, right: 32, top: 28, bottom: 24 };
/** Rows thinner than this have no labels. */
export const ROW_FOR_TEXT = 11;
/** Columns narrower than this have slanted headings, which take more height, and room on the right. */
const COLUMN_FOR_TEXT = 78;
/** Width of a letter of a heading. */
const LETTER = 6.65;
export const SLANT = Math.PI / 5;
/** Letters of a heading at most. */
export const MOST_HEADING = 34;
const LINES = 2;
const STRAIGHT = 40;
const COLUMN_MAX = 180;
const COLUMN_ZOOMED = 180;
const ROW_MAX = 60;
const ROW_ZOOMED = 72;
/** How much of the paper must stay in view, in pixels. */
const ANCHOR = 60;

/** Whether headings are slanted: where columns are narrow, or one would not fit above its column in two lines. */
export function isSlanted(kx: number, names: readonly string[]): boolean {
  const letters = lettersAbove(kx);
  const fits = (lines: string[]): boolean => lines.length <= LINES && lines.every((line) => line.length <= letters);
  return kx < COLUMN_FOR_TEXT || names.some((name) => !fits(wrapped(name, letters)));
}

/** The lines of a text that is broken between words only. */
export function wrapped(text: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** How many letters of a heading stand beside each other above a column. */
export const lettersAbove = (kx: number): number => Math.floor((kx - 8) / LETTER);

/** Pixels that the headings take. */
export function headingHeight(kx: number, names: readonly string[]): number {
  return isSlanted(kx, names) ? slantedSize(names).height : STRAIGHT;
}

/** Room above the paper and on its right for the longest slanted heading. */
function slantedSize(names: readonly string[]): { height: number; width: number } {
  const length = LETTER * names.reduce((most, name) => Math.max(most, name.length), 8);
  return { height: Math.ceil(18 + length * Math.sin(SLANT)), width: Math.ceil(4 + length * Math.cos(SLANT)) };
}

/**
 * A viewport as it can be told to another screen: the two scales, and the column and row in the middle of the paper.
 */
export function middleOf({ kx, ky, tx, ty }: Viewport, extent: Extent): [number, number, number, number] {
  const { width, height, headings } = extent;
  return [kx, ky, (width / 2 - tx) / kx, ((height + headingHeight(kx, headings)) / 2 - ty) / ky];
}

/** The inverse of `middleOf`, on a paper of this size. */
export function viewportAt([kx, ky, column, row]: readonly [number, number, number, number], extent: Extent): Viewport {
  const { width, height, headings } = extent;
  return { kx, ky, tx: width / 2 - column * kx, ty: (height + headingHeight(kx, headings)) / 2 - row * ky };
}

/** Everything in view, no larger than reads well, in the middle. */
export function fit(extent: Extent): Viewport {
  const straight = fitUnder(extent, STRAIGHT, 0);
  if (!isSlanted(straight.kx, extent.headings) || extent.columns < 2) return straight;
  const { height, width } = slantedSize(extent.headings);
  return fitUnder(extent, height, width);
}

function fitUnder({ columns, rows, width, height, labels, roots }: Extent, headings: number, slant: number): Viewport {
  const top = headings + MARGIN.top;
  const h = Math.max(40, height - top - MARGIN.bottom);
  const ky = Math.min(ROW_MAX, h / Math.max(1, rows - 1));
  const words = ky >= ROW_FOR_TEXT;
  const right = Math.max(slant, MARGIN.right + (words ? Math.min(labels, width * (slant ? 0.22 : 0.26)) : 0));
  const left = words ? Math.max(MARGIN.left, Math.min(roots, width * (slant ? 0.09 : 0.14))) : MARGIN.left;
  const w = Math.max(40, width - left - right);
  const kx = Math.min(COLUMN_MAX, w / Math.max(1, columns - 1));
  return {
    kx,
    ky,
    tx: Math.round(left + (w - kx * (columns - 1)) / 2),
    ty: Math.round(top + (h - ky * (rows - 1)) / 2),
  };
}

/**
 * Zoom by `factor` about a point. Rows grow first, so that all columns stay in view and with them where models come
 * from; columns grow once rows are comfortable to read. Zooming out goes the same way back.
 */
export function zoom(view: Viewport, factor: number, at: [number, number], extent: Extent): Viewport {
  const whole = fit(extent);
  const columnsTurn = factor > 1 ? view.ky >= ROW_ZOOMED : view.kx > whole.kx;
  const kx = columnsTurn ? clamp(view.kx * factor, whole.kx, Math.max(whole.kx, COLUMN_ZOOMED)) : view.kx;
  const ky = columnsTurn ? view.ky : clamp(view.ky * factor, whole.ky, Math.max(whole.ky, ROW_ZOOMED));
  if (kx === whole.kx && ky === whole.ky) return whole;
  const moved = {
    kx,
    ky,
    tx: at[0] - ((at[0] - view.tx) / view.kx) * kx,
    ty: at[1] - ((at[1] - view.ty) / view.ky) * ky,
  };
  return pan(moved, 0, 0, extent);
}

/** Move by pixels, keeping part of the paper in view. */
export function pan(view: Viewport, dx: number, dy: number, extent: Extent): Viewport {
  const w = view.kx * (extent.columns - 1);
  const h = view.ky * (extent.rows - 1);
  return {
    ...view,
    tx: clamp(view.tx + dx, ANCHOR - w, extent.width - ANCHOR),
    ty: clamp(view.ty + dy, headingHeight(view.kx, extent.headings) + ANCHOR - h, extent.height - ANCHOR),
  };
}

/** Move as little as needed for a model to be well in view. */
export function reveal(view: Viewport, column: number, row: number, extent: Extent): Viewport {
  const x = view.tx + view.kx * column;
  const y = view.ty + view.ky * row;
  const dx = clamp(x, MARGIN.left, extent.width - MARGIN.right) - x;
  const dy = clamp(y, headingHeight(view.kx, extent.headings) + MARGIN.top, extent.height - MARGIN.bottom) - y;
  return dx || dy ? pan(view, dx, dy, extent) : view;
}

/** Between two viewports, at `t` from 0 to 1. */
export function mix(a: Viewport, b: Viewport, t: number): Viewport {
  const lerp = (from: number, to: number): number => from + (to - from) * t;
  return { kx: lerp(a.kx, b.kx), ky: lerp(a.ky, b.ky), tx: lerp(a.tx, b.tx), ty: lerp(a.ty, b.ty) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}
