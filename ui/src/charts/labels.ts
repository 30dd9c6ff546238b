export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LabelRequest {
  /** The point that is labeled. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Free pixels around the point, where it is larger than others. */
  readonly gap?: number;
}

export interface PlacedLabel extends Box {
  /** Position of the request it answers. */
  readonly index: number;
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The places to try around a point, best first: right above, left above, right below, left below, right, left. */
function candidates({ x, y, width, height }: LabelRequest, gap: number): Box[] {
  return [
    { x: x + gap, y: y - gap - height, width, height },
    { x: x - gap - width, y: y - gap - height, width, height },
    { x: x + gap, y: y + gap, width, height },
    { x: x - gap - width, y: y + gap, width, height },
    { x: x + gap * 1.5, y: y - height / 2, width, height },
    { x: x - gap * 1.5 - width, y: y - height / 2, width, height },
  ];
}

/**
 * Places labels beside their points, in the order asked, so that none covers another or an obstacle or leaves the
 * frame. What finds no place is left out: better none than a heap.
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  frame: Box,
  obstacles: readonly Box[] = [],
  gap = 5,
): PlacedLabel[] {
  const placed: PlacedLabel[] = [];
  const inside = (box: Box): boolean =>
    box.x >= frame.x &&
    box.y >= frame.y &&
    box.x + box.width <= frame.x + frame.width &&
    box.y + box.height <= frame.y + frame.height;
  requests.forEach((request, index) => {
    const free = candidates(request, request.gap ?? gap).find(
      (box) =>
        inside(box) &&
        !placed.some((other) => overlaps(box, other)) &&
        !obstacles.some((other) => overlaps(box, other)),
    );
    if (free) placed.push({ ...free, index });
  });
  return placed;
}

/** Which of evenly spaced tick labels fit: every first, second, third … so that none touch. */
export function labelStride(widths: readonly number[], spacing: number, gap = 6): number {
  const widest = widths.reduce((most, width) => Math.max(most, width), 0);
  return Math.max(1, Math.ceil((widest + gap) / Math.max(spacing, 1)));
}
