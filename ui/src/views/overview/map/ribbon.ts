/** The shape of an edge: down or up to its child's row right after the parent, then straight along that row. */

export interface Ribbon {
  x0: number;
  y0: number;
  /** Thickness at the parent. */
  w0: number;
  x1: number;
  y1: number;
  /** Thickness at the child. */
  w1: number;
  /** Pixels over which it changes rows. */
  turn: number;
}

/** Only what ribbons are drawn with, so that a test can record it. */
export type Pen = Pick<CanvasPath, "moveTo" | "lineTo" | "bezierCurveTo" | "closePath">;

const SAMPLES = 20;

/** Pixels that an edge has for changing rows: less than a column, so that labels fit on the straight part. */
export function turnOf(kx: number, length: number): number {
  return Math.min(length, kx * 0.72, 78);
}

/** The outline of a ribbon, equally thick where it is steep. */
export function traceRibbon(pen: Pen, { x0, y0, w0, x1, y1, w1, turn }: Ribbon): void {
  const at = (x: number): number => (w0 + ((w1 - w0) * (x - x0)) / (x1 - x0 || 1)) / 2;
  const back: [number, number][] = [];
  if (y0 === y1) {
    pen.moveTo(x0, y0 - w0 / 2);
    pen.lineTo(x1, y1 - w1 / 2);
    pen.lineTo(x1, y1 + w1 / 2);
    pen.lineTo(x0, y0 + w0 / 2);
    pen.closePath();
    return;
  }
  for (let k = 0; k <= SAMPLES; k++) {
    // A cubic with horizontal ends, and its normal.
    const t = k / SAMPLES;
    const u = 1 - t;
    const x = x0 + turn * (1.5 * u * t + t * t * t);
    const y = y0 + (y1 - y0) * t * t * (3 - 2 * t);
    const dx = turn * (1.5 * (1 - 2 * t) + 3 * t * t);
    const dy = (y1 - y0) * 6 * t * u;
    const half = at(x) / Math.hypot(dx, dy);
    if (k) pen.lineTo(x + dy * half, y - dx * half);
    else pen.moveTo(x + dy * half, y - dx * half);
    back.push([x - dy * half, y + dx * half]);
  }
  pen.lineTo(x1, y1 - w1 / 2);
  pen.lineTo(x1, y1 + w1 / 2);
  for (let k = SAMPLES; k >= 0; k--) pen.lineTo(...back[k]!);
  pen.closePath();
}

/** The middle of a ribbon, for thin and for highlighted edges. */
export function traceLine(pen: Pen, { x0, y0, x1, y1, turn }: Pick<Ribbon, "x0" | "y0" | "x1" | "y1" | "turn">): void {
  pen.moveTo(x0, y0);
  if (y0 !== y1) pen.bezierCurveTo(x0 + turn / 2, y0, x0 + turn / 2, y1, x0 + turn, y1);
  pen.lineTo(x1, y1);
}
