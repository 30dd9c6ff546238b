/** Small pictures as paths: one element each, so that hundreds of them scroll smoothly. */

/**
 * The outline of the bars of a histogram without its two outer counts, those of what is beyond the range. Heights go
 * with the square root of the counts, or rare values would not be seen beside zeros.
 */
export function histogramPath(counts: ArrayLike<number>, width: number, height: number): string {
  let most = 0;
  for (let bin = 0; bin < counts.length; bin++) most = Math.max(most, counts[bin]!);
  if (most === 0) return "";
  const step = width / (counts.length - 2);
  let [path, level] = ["", height];
  for (let bin = 1; bin < counts.length - 1; bin++) {
    const count = counts[bin]!;
    const y = count === 0 ? height : tenths(height - Math.max(1, Math.sqrt(count / most) * height));
    if (y === level) continue;
    const x = tenths((bin - 1) * step);
    path += path === "" ? `M${x},${height}V${y}` : `H${x}V${y}`;
    level = y;
  }
  if (path === "") return "";
  return level === height ? `${path}z` : `${path}H${width}V${height}z`;
}

const tenths = (number: number): number => Math.round(number * 10) / 10;

export interface Piece {
  readonly x: number;
  readonly width: number;
  readonly part: number;
}

/** Parts of a whole side by side; what is there is at least a pixel wide. */
export function stack(parts: ArrayLike<number>, whole: number, width: number): Piece[] {
  const pieces: Piece[] = [];
  let before = 0;
  for (let part = 0; part < parts.length; part++) {
    const count = parts[part]!;
    if (count > 0 && whole > 0) {
      const x = (before / whole) * width;
      pieces.push({ x: Math.min(x, width - 1), width: Math.max(1, (count / whole) * width), part });
    }
    before += count;
  }
  return pieces;
}
