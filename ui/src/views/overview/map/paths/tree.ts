/** Models that the same operations made, in the same order, as one: what a map of thousands of models is drawn from. */
import type { ModelTable } from "@/state/table";

/** One sequence of operations. */
export interface PathNode {
  /** What tells it from all others, the same in every project that has it. */
  key: string;
  operation: string | null;
  depth: number;
  /** Models that exactly these operations made. */
  models: number[];
  /** How many models there are with these operations or with these and more. */
  total: number;
  /** The one with most models first. */
  children: PathNode[];
}

/** The sequences of operations of the models that are shown, 1 in `shown`. O(n). */
export function pathTree(table: ModelTable, shown: ArrayLike<number>): PathNode[] {
  const roots = new Map<string | null, PathNode>();
  const below = new Map<PathNode, Map<string | null, PathNode>>();
  const nodeOf: PathNode[] = [];
  const queue = [...table.roots];
  for (let head = 0; head < queue.length; head++) {
    const model = queue[head]!;
    const parent = nodeOf[table.base[model]!] ?? null;
    const siblings = parent ? below.get(parent)! : roots;
    const operation = table.operation[model] ?? null;
    let node = siblings.get(operation);
    if (!node) {
      const key = `${parent ? `${parent.key}/` : ""}${encodeURIComponent(operation ?? "")}`;
      node = { key, operation, depth: parent ? parent.depth + 1 : 0, models: [], total: 0, children: [] };
      siblings.set(operation, node);
      below.set(node, new Map());
    }
    if (shown[model]) node.models.push(model);
    nodeOf[model] = node;
    for (const child of table.children[model]!) queue.push(child);
  }
  for (const [node, children] of [...below].reverse()) {
    node.children = counted(children.values());
    node.total = node.models.length + node.children.reduce((sum, { total }) => sum + total, 0);
  }
  return counted(roots.values());
}

/** Those that have models, the largest first. */
function counted(nodes: Iterable<PathNode>): PathNode[] {
  return [...nodes].filter(({ total }) => total > 0).sort((a, b) => b.total - a.total || (a.key < b.key ? -1 : 1));
}

/** All models of a path and of those that go on from it. */
export function modelsBelow(node: PathNode): number[] {
  const found: number[] = [];
  const stack = [node];
  for (let next = stack.pop(); next; next = stack.pop()) {
    for (const model of next.models) found.push(model);
    stack.push(...next.children);
  }
  return found;
}

/** What somebody unfolded and folded: `+key`, `-key`; `=key` where the models themselves are listed. */
export type Unfolded = readonly string[];

/** The same with one path folded or unfolded, or its models listed, which takes back what was said of it before. */
export function withPath(unfolded: Unfolded, key: string, how: "+" | "-" | "="): string[] {
  return [...unfolded.filter((said) => said.slice(1) !== key), how + key];
}

/**
 * Which paths show where they go on: the largest first, as long as there are rows for all and each has more than its
 * share of the models, and what a person wants.
 */
export function opened(roots: readonly PathNode[], unfolded: Unfolded, rows: number): Set<PathNode> {
  const said = new Map(unfolded.map((text) => [text.slice(1), text[0]!]));
  const open = new Set<PathNode>();
  const all = roots.reduce((sum, { total }) => sum + total, 0);
  let used = roots.length;
  const waiting = [...roots];
  while (waiting.length) {
    waiting.sort((a, b) => b.total - a.total);
    const node = waiting.shift()!;
    const how = said.get(node.key);
    if (node.children.length === 0 || how === "-" || (how === undefined && node.total * rows < all)) continue;
    const more = node.children.length - 1;
    if (how === undefined && used + more > rows) continue;
    open.add(node);
    used += more;
    waiting.push(...node.children);
  }
  return open;
}

/** Paths whose models are listed. */
export function listed(unfolded: Unfolded): Set<string> {
  return new Set(unfolded.filter((text) => text.startsWith("=")).map((text) => text.slice(1)));
}
