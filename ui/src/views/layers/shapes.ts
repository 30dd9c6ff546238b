/** Small pictures as paths: one element each, so that hundreds of them scroll smoothly. */

/**
 * Bars of a histogram without its two outer counts, those of what is beyond the range. Heights go with the square root
 * of the counts, or rare values would not be seen beside zeros.
 */
export function histogramPath(counts: ArrayLike<number>, width: number, height: number): string {
  let most = 0;
  for (let bin = 0; bin < counts.length; bin++) most = Math.max(most, counts[bin]!);
  if (most === 0) return "";
  const step = width / (counts.length - 2);
  let path = "";
  for (let bin = 1; bin < counts.length - 1; bin++) {
    const count = counts[bin]!;
    if (count === 0) continue;
    const tall = Math.max(1, Math.sqrt(count / most) * height);
    const x = (bin - 1) * step;
    path += `M${x.toFixed(1)},${height}v${(-tall).toFixed(1)}h${step.toFixed(2)}v${tall.toFixed(1)}z`;
  }
  return path;
}

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
