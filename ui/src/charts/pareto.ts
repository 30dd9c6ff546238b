export interface Directions {
  readonly xHigher: boolean;
  readonly yHigher: boolean;
}

/**
 * Indices of the points that no other point beats on both axes, best along x first. Equal points stay together:
 * neither beats the other. Points with a value that is not finite, or left out by `include`, take no part.
 * O(n log n): sort along x, then keep what is at least as good along y as all before.
 */
export function paretoFrontier(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  directions: Directions,
  include: (index: number) => boolean = () => true,
): number[] {
  const signX = directions.xHigher ? -1 : 1;
  const signY = directions.yHigher ? -1 : 1;
  const cost = (values: ArrayLike<number>, index: number, sign: number): number => sign * (values[index] ?? Number.NaN);
  const order: number[] = [];
  for (let index = 0; index < x.length; index++) {
    if (include(index) && Number.isFinite(x[index]) && Number.isFinite(y[index])) order.push(index);
  }
  order.sort((a, b) => cost(x, a, signX) - cost(x, b, signX) || cost(y, a, signY) - cost(y, b, signY) || a - b);
  const frontier: number[] = [];
  let bestX = Number.NaN;
  let bestY = Infinity;
  for (const index of order) {
    const costX = cost(x, index, signX);
    const costY = cost(y, index, signY);
    if (costY < bestY || (costY === bestY && costX === bestX)) {
      frontier.push(index);
      bestX = costX;
      bestY = costY;
    }
  }
  return frontier;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The staircase that bounds what the frontier dominates, as corners:
 * along x at the earlier point's y, then to the next.
 */
export function frontierSteps(points: readonly Point[]): Point[] {
  const corners: Point[] = [];
  points.forEach((point, position) => {
    const before = points[position - 1];
    if (before) corners.push({ x: point.x, y: before.y });
    corners.push(point);
  });
  return corners;
}
