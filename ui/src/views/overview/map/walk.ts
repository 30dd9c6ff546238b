/** Steps through the graph: for the keyboard, and for widening a selection. */
import type { ModelTable } from "@/state/table";
import type { Layout } from "./layout";

export type Direction = "left" | "right" | "up" | "down";

/**
 * The model next to one: its parent, its middle child, or the one above or
 * below in its column, at its end the next sibling.
 */
export function neighbor(table: ModelTable, layout: Layout, from: number, direction: Direction): number {
  if (direction === "left") return table.base[from]! < 0 ? from : table.base[from]!;
  if (direction === "right") {
    const children = layout.children[from]!.filter((child) => layout.shown[child]);
    return children[(children.length - 1) >> 1] ?? from;
  }
  const stack = layout.stacks.find((candidate) => candidate[position(layout, candidate, from)] === from);
  if (!stack) return from;
  const step = direction === "up" ? -1 : 1;
  return stack[position(layout, stack, from) + step] ?? sibling(table, layout, from, step);
}

/** The next sibling, in whatever column: what no column leads to is reached from beside. */
function sibling(table: ModelTable, layout: Layout, from: number, step: number): number {
  const base = table.base[from]!;
  const siblings = base < 0 ? [] : layout.children[base]!.filter((child) => layout.shown[child]);
  return siblings[siblings.indexOf(from) + step] ?? from;
}

/** Where a model is in a stack that is sorted by row; the place it would have when it is not in it. */
function position(layout: Layout, stack: number[], model: number): number {
  let low = 0;
  let high = stack.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (layout.y[stack[middle]!]! < layout.y[model]!) low = middle + 1;
    else high = middle;
  }
  return low;
}

export type Kin = "parents" | "children" | "ancestors" | "descendants";

/** The kin of a set of models, without the set itself. */
export function kin(table: ModelTable, of: Iterable<number>, which: Kin): number[] {
  const given = new Set(of);
  const found = new Set<number>();
  const step = (i: number): number[] =>
    which === "parents" || which === "ancestors" ? (table.base[i]! < 0 ? [] : [table.base[i]!]) : table.children[i]!;
  const queue = [...given];
  const once = which === "parents" || which === "children";
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    for (const next of step(i)) {
      if (found.has(next)) continue;
      found.add(next);
      if (!once) queue.push(next);
    }
  }
  return [...found].filter((i) => !given.has(i)).sort((a, b) => a - b);
}

/** A model and its ancestors, the root last. */
export function lineage(table: ModelTable, model: number): number[] {
  const path = [model];
  for (let base = table.base[model]!; base >= 0; base = table.base[base]!) path.push(base);
  return path;
}
