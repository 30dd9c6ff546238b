/** Finds points near a place without looking at all of them: points are sorted into square cells. */
export class PointGrid {
  readonly #x: ArrayLike<number>;
  readonly #y: ArrayLike<number>;
  readonly #cell: number;
  readonly #columns: number;
  readonly #rows: number;
  /** Where each cell's points begin in `#order`; one more than there are cells. */
  readonly #start: Uint32Array;
  readonly #order: Uint32Array;

  /** Points whose x or y is not finite, or that lie outside `width` × `height`, are not in the grid. */
  constructor(x: ArrayLike<number>, y: ArrayLike<number>, width: number, height: number, cell = 16) {
    this.#x = x;
    this.#y = y;
    this.#cell = cell;
    this.#columns = Math.max(1, Math.ceil(width / cell));
    this.#rows = Math.max(1, Math.ceil(height / cell));
    const cells = new Int32Array(x.length).fill(-1);
    const start = new Uint32Array(this.#columns * this.#rows + 1);
    for (let i = 0; i < x.length; i++) {
      const px = x[i] as number;
      const py = y[i] as number;
      if (!(px >= 0 && px <= width && py >= 0 && py <= height)) continue;
      const at = this.#row(py) * this.#columns + this.#column(px);
      cells[i] = at;
      start[at + 1]!++;
    }
    for (let at = 1; at < start.length; at++) start[at]! += start[at - 1]!;
    const next = start.slice();
    this.#order = new Uint32Array(start[start.length - 1]!);
    for (let i = 0; i < x.length; i++) if (cells[i]! >= 0) this.#order[next[cells[i]!]!++] = i;
    this.#start = start;
  }

  #column(x: number): number {
    return Math.min(this.#columns - 1, Math.max(0, Math.floor(x / this.#cell)));
  }

  #row(y: number): number {
    return Math.min(this.#rows - 1, Math.max(0, Math.floor(y / this.#cell)));
  }

  #each(x0: number, y0: number, x1: number, y1: number, visit: (index: number) => void): void {
    for (let row = this.#row(y0); row <= this.#row(y1); row++) {
      const first = row * this.#columns;
      const from = this.#start[first + this.#column(x0)]!;
      const to = this.#start[first + this.#column(x1) + 1]!;
      for (let k = from; k < to; k++) visit(this.#order[k]!);
    }
  }

  /** Points within `radius` of a place that `accept` takes, nearest first. */
  near(x: number, y: number, radius: number, accept: (index: number) => boolean = () => true): number[] {
    const found: [number, number][] = [];
    this.#each(x - radius, y - radius, x + radius, y + radius, (index) => {
      const distance = (this.#x[index]! - x) ** 2 + (this.#y[index]! - y) ** 2;
      if (distance <= radius * radius && accept(index)) found.push([distance, index]);
    });
    return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, index]) => index);
  }

  /** Points inside a rectangle, borders included, in ascending order. */
  inside(x0: number, y0: number, x1: number, y1: number): number[] {
    const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
    const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
    const found: number[] = [];
    this.#each(left, top, right, bottom, (index) => {
      const x = this.#x[index]!;
      const y = this.#y[index]!;
      if (x >= left && x <= right && y >= top && y <= bottom) found.push(index);
    });
    return found.sort((a, b) => a - b);
  }
}
