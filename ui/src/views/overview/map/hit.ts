/** Which model is under the pointer: stacks are sorted by row, so each column takes one binary search. */
import { bandWidth, nodeScale, screenRadius, screenX, screenY, type Scene } from "./draw/scene";
import { turnOf } from "./ribbon";
import { ROW_FOR_TEXT, type Viewport } from "./viewport";

/** How far beside a node still counts, in pixels. */
const SLACK = 5;
const LABEL = 90;

/** The model whose node is at a point, else the one whose edge or label is; null for empty paper. */
export function modelAt(scene: Scene, view: Viewport, x: number, y: number): number | null {
  const column = (x - view.tx) / view.kx;
  const row = (y - view.ty) / view.ky;
  const scale = nodeScale(scene, view);
  const { stacks } = scene.layout;
  const here = nearest(scene, stacks[Math.round(column)], row);
  if (here !== null) {
    const reach = screenRadius(scene, view, scale, here) + SLACK;
    if (Math.hypot(screenX(scene, view, here) - x, screenY(scene, view, here) - y) <= reach) return here;
  }
  for (let k = Math.max(0, Math.ceil(column)); k < stacks.length; k++) {
    const i = nearest(scene, stacks[k], row);
    if (i !== null && onEdge(scene, view, i, [x, y])) return i;
  }
  if (view.ky < ROW_FOR_TEXT) return null;
  for (let k = Math.min(stacks.length - 1, Math.floor(column)); k >= 0; k--) {
    const i = nearest(scene, stacks[k], row);
    if (i !== null && onLabel(scene, view, i, [x, y])) return i;
  }
  return null;
}

function nearest(scene: Scene, stack: number[] | undefined, row: number): number | null {
  if (!stack?.length) return null;
  const { y } = scene.layout;
  let low = 0;
  let high = stack.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (y[stack[middle]!]! < row) low = middle + 1;
    else high = middle;
  }
  const below = stack[low]!;
  const above = stack[Math.max(0, low - 1)]!;
  return row - y[above]! < y[below]! - row ? above : below;
}

/** On the straight part of the edge that leads to a model. */
function onEdge(scene: Scene, view: Viewport, i: number, [x, y]: [number, number]): boolean {
  const parent = scene.table.base[i]!;
  if (parent < 0) return false;
  const x0 = screenX(scene, view, parent);
  const x1 = screenX(scene, view, i);
  const reach = Math.max(3, bandWidth(screenRadius(scene, view, nodeScale(scene, view), i)) / 2);
  return x <= x1 && x >= x0 + turnOf(view.kx, x1 - x0) && Math.abs(y - screenY(scene, view, i)) <= reach;
}

function onLabel(scene: Scene, view: Viewport, i: number, [x, y]: [number, number]): boolean {
  const leaf = !scene.layout.children[i]!.length || scene.layout.hidden[i]! > 0;
  const x1 = screenX(scene, view, i);
  return leaf && x >= x1 && x <= x1 + LABEL && Math.abs(y - screenY(scene, view, i)) <= 6;
}

/** Shown models inside a rectangle of pixels. */
export function modelsIn(scene: Scene, view: Viewport, [x0, y0, x1, y1]: [number, number, number, number]): number[] {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  const found: number[] = [];
  for (let i = 0; i < scene.table.count; i++) {
    if (!scene.layout.shown[i]) continue;
    const x = screenX(scene, view, i);
    const y = screenY(scene, view, i);
    if (x >= left && x <= right && y >= top && y <= bottom) found.push(i);
  }
  return found;
}

/** The shown model nearest to the middle of a rectangle that has none inside; null where it has one. */
export function nearestOutside(scene: Scene, view: Viewport, box: [number, number, number, number]): number | null {
  const [middleX, middleY] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  let found: number | null = null;
  let least = Infinity;
  for (let i = 0; i < scene.table.count; i++) {
    if (!scene.layout.shown[i]) continue;
    const [x, y] = [screenX(scene, view, i), screenY(scene, view, i)];
    if (x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]) return null;
    const far = Math.hypot(x - middleX, y - middleY);
    if (far < least) [found, least] = [i, far];
  }
  return found;
}
