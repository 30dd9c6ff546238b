/** Where paths stand: in columns by depth, in rows as high as their ribbons, parents between their children. */
import type { PathNode } from "./tree";

export interface Placed {
  node: PathNode;
  /** Its place among the `Placed` of the layout, and its parent's; -1 for none. */
  index: number;
  parent: number;
  isOpen: boolean;
  /** The middle of its bar, the thickness of its ribbon and the height of its bar, in pixels. */
  y: number;
  thickness: number;
  height: number;
  /** Where its ribbon leaves the bar of its parent. */
  from: number;
  /** Its models, where they are listed: each with the middle of its row; and how many more there are. */
  models: { model: number; y: number }[];
  more: { count: number; y: number } | null;
}

export interface PathLayout {
  placed: Placed[];
  height: number;
  depth: number;
}

export interface Measures {
  /** The least height of a row, and that of a listed model. */
  row: number;
  modelRow: number;
  /** Pixels per model in a ribbon. */
  perModel: number;
  /** Least thickness of a ribbon and least height of a bar. */
  thin: number;
  bar: number;
  /** Models that are listed at most. */
  most: number;
  top: number;
}

export interface Shown {
  open: ReadonlySet<PathNode>;
  /** Keys of paths whose models are listed. */
  listed: ReadonlySet<string>;
  /** The models of a path in the order in which they are listed. */
  sorted: (node: PathNode) => readonly number[];
}

/** Lay paths out from the top. */
export function layoutPaths(roots: readonly PathNode[], shown: Shown, measures: Measures): PathLayout {
  const layout: PathLayout = { placed: [], height: measures.top, depth: 0 };
  for (const root of roots) place(layout, root, -1, { shown, measures });
  lower(layout, measures.top);
  for (const one of layout.placed) leave(layout, one);
  return layout;
}

/** Move all of it down, so that no bar reaches above the top. */
function lower(layout: PathLayout, top: number): void {
  const by = top - layout.placed.reduce((least, { y, height }) => Math.min(least, y - height / 2), top);
  layout.height += by;
  for (const one of layout.placed) {
    one.y += by;
    one.models = one.models.map(({ model, y }) => ({ model, y: y + by }));
    if (one.more) one.more = { ...one.more, y: one.more.y + by };
  }
}

function place(layout: PathLayout, node: PathNode, parent: number, by: { shown: Shown; measures: Measures }): Placed {
  const { shown, measures } = by;
  const thickness = Math.max(measures.thin, node.total * measures.perModel);
  const isOpen = shown.open.has(node);
  const one: Placed = {
    ...{ node, index: layout.placed.length, parent, isOpen, thickness },
    ...{ y: 0, height: Math.max(measures.bar, thickness), from: 0, models: [], more: null },
  };
  layout.placed.push(one);
  layout.depth = Math.max(layout.depth, node.depth);
  const top = layout.height;
  const below = isOpen ? node.children.map((child) => place(layout, child, one.index, by)) : [];
  const all = below.reduce((sum, child) => sum + child.thickness, 0);
  one.height = Math.max(one.height, all);
  if (below.length > 0) one.y = (below[0]!.y + below.at(-1)!.y) / 2;
  else {
    const height = Math.max(measures.row, one.height + measures.row - measures.bar);
    one.y = top + height - Math.max(measures.bar, one.height) / 2 - 2;
    layout.height = top + height;
  }
  if (shown.listed.has(node.key)) list(layout, one, shown.sorted(node), measures);
  // a bar that is higher than all that follows it still has room
  layout.height = Math.max(layout.height, one.y + one.height / 2 + 2);
  return one;
}

function list(layout: PathLayout, one: Placed, models: readonly number[], { modelRow, most }: Measures): void {
  const next = (): number => (layout.height += modelRow) - modelRow / 2;
  one.models = models.slice(0, most).map((model) => ({ model, y: next() }));
  if (models.length > most) one.more = { count: models.length - most, y: next() };
}

/** Ribbons leave a bar below each other, in the order of the paths that they lead to. */
function leave(layout: PathLayout, one: Placed): void {
  const children = layout.placed.filter(({ parent }) => parent === one.index);
  let at = one.y - children.reduce((sum, child) => sum + child.thickness, 0) / 2;
  for (const child of children) {
    child.from = at + child.thickness / 2;
    at += child.thickness;
  }
}

/** Width of a bar. */
export const BAR = 8;

/** The outline of a ribbon from the bar of the parent to its own: a bend of twice `turn`, then straight. */
export function ribbonOf(
  { from: start, y, thickness }: Pick<Placed, "from" | "y" | "thickness">,
  { from, to, turn }: { from: number; to: number; turn: number },
): string {
  const middle = from + Math.min(turn, (to - from) / 2);
  const end = 2 * middle - from;
  const half = thickness / 2;
  return (
    `M${from},${start - half}C${middle},${start - half} ${middle},${y - half} ${end},${y - half}H${to}V${y + half}` +
    `H${end}C${middle},${y + half} ${middle},${start + half} ${from},${start + half}Z`
  );
}
