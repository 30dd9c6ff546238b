/**
 * Where models stand: a column (x) and a row (y) for each, in units of columns and rows. Every leaf has a row of its
 * own and every subtree a band of rows, so no two edges cross and none runs through a model: to the left of a model,
 * its row is free as far as its parent's column; to the right of a leaf, as far as the paper goes.
 */
import type { ModelTable } from "@/state/table";
import type { Arrangement } from "@/state/url";
import { columnsByOperation, columnsByStep, type Column, type Columns } from "./columns";
import { orderedChildren } from "./order";

/** Extra rows between neighboring subtrees of more than one leaf, and between trees. */
const GAP = 0.4;
const TREE_GAP = 1.2;

export interface Layout {
  x: Float32Array;
  y: Float32Array;
  columns: Column[];
  /** Height, in rows: the last row is at `rows - 1`. */
  rows: number;
  /** 0 for models inside a collapsed subtree, which stand where its top stands, and for all but one of replicates. */
  shown: Uint8Array;
  /** For collapsed models: how many are hidden inside. */
  hidden: Int32Array;
  /** Children in drawing order. */
  children: number[][];
  /** Shown models from top to bottom in each column. */
  stacks: number[][];
}

/** What both arrangements share: worked out once for a table. */
export interface Skeleton {
  byOperation: Columns;
  /** Children and roots in drawing order. */
  children: number[][];
  roots: number[];
}

/** Columns by operation, and siblings in their order: by these columns, then by parameters. O(n log n). */
export function skeletonOf(table: ModelTable): Skeleton {
  const byOperation = columnsByOperation(table);
  const { children, roots } = orderedChildren(table, byOperation.of);
  const { first, members } = table.replicates;
  if (members.size === 0) return { byOperation, children, roots };
  const isFirst = (i: number): boolean => first[i] === i;
  // what was made from any of them comes from the one that stands for all
  const together = children.map((list, i) =>
    isFirst(i) ? (members.get(i)?.flatMap((one) => children[one]!) ?? list).filter(isFirst) : [],
  );
  return { byOperation, children: together, roots: roots.filter(isFirst) };
}

/**
 * Lay a project's graph out. Siblings keep their order in both arrangements: rearranging moves models along their rows.
 */
export function layoutModels(
  table: ModelTable,
  arrangement: Arrangement,
  {
    collapsed = new Set(),
    skeleton = skeletonOf(table),
  }: { collapsed?: ReadonlySet<number>; skeleton?: Skeleton } = {},
): Layout {
  const { of, columns } = arrangement === "operation" ? skeleton.byOperation : columnsByStep(table);
  const layout: Layout = {
    x: Float32Array.from(of),
    y: new Float32Array(table.count),
    columns,
    rows: 0,
    shown: new Uint8Array(table.count).fill(1),
    hidden: new Int32Array(table.count),
    children: skeleton.children,
    stacks: [],
  };
  const down = placeRows(layout, skeleton.roots, collapsed);
  table.replicates.first.forEach((stands, i) => {
    if (stands === i) return;
    layout.shown[i] = 0;
    layout.x[i] = layout.x[stands]!;
    layout.y[i] = layout.y[stands]!;
  });
  if (collapsed.size) hideCollapsed(layout, collapsed);
  layout.stacks = stacksOf(layout, of, down);
  return layout;
}

/**
 * Models of each column from top to bottom. No two in a column are each other's ancestors, so their bands of rows are
 * apart and the order in which they were placed is the order of their rows.
 */
function stacksOf({ columns, shown }: Layout, of: Int32Array, down: number[]): number[][] {
  const stacks: number[][] = columns.map(() => []);
  for (const i of down) if (shown[i]) stacks[of[i]!]!.push(i);
  return stacks;
}

/**
 * Leaves take rows from the top; a parent stands in the middle of its children. Returns the models as they were placed.
 */
function placeRows(layout: Layout, roots: number[], collapsed: ReadonlySet<number>): number[] {
  const { y, children } = layout;
  const down: number[] = [];
  let row = 0;
  const open = (i: number): number[] => (collapsed.has(i) ? [] : children[i]!);
  const top = new Float32Array(y.length);
  for (const root of roots) {
    if (row) row += TREE_GAP;
    // Depth first without recursion: a model is on the stack twice, to enter and (as ~i) to leave.
    const stack = [root];
    while (stack.length) {
      const i = stack.pop()!;
      if (i < 0) {
        const list = open(~i);
        y[~i] = (y[list[0]!]! + y[list.at(-1)!]!) / 2;
        down.push(~i);
        // A subtree of several rows is set off from what follows.
        if (row - top[~i]! > 1.5 && stack.length) row += GAP;
        continue;
      }
      top[i] = row;
      const list = open(i);
      if (!list.length) {
        y[i] = row++;
        down.push(i);
      } else {
        stack.push(~i);
        for (let k = list.length - 1; k >= 0; k--) stack.push(list[k]!);
      }
    }
  }
  layout.rows = y.reduce((high, value) => Math.max(high, value), 0) + 1;
  return down;
}

function hideCollapsed(layout: Layout, collapsed: ReadonlySet<number>): void {
  for (const top of collapsed) {
    if (!layout.shown[top]) continue;
    const inside = [...layout.children[top]!];
    for (let i = inside.pop(); i !== undefined; i = inside.pop()) {
      layout.hidden[top]!++;
      layout.shown[i] = 0;
      layout.x[i] = layout.x[top]!;
      layout.y[i] = layout.y[top]!;
      inside.push(...layout.children[i]!);
    }
  }
}
