/**
 * Columns of the map by operation: one per operation name and occurrence in a lineage ("train", the second "train"),
 * in an order in which every edge runs left to right. Where lineages disagree about the order (prune then quantize,
 * quantize then prune) no single order exists, and an operation gets a second column.
 */
import type { ModelTable } from "@/state/table";

export interface Column {
  /** Null for models that no operation made. */
  operation: string | null;
  /** Its models, in the table's order. */
  models: number[];
}

export interface Columns {
  /** Column number of every model. */
  of: Int32Array;
  columns: Column[];
}

/** All models that share one sequence of operations from their root. */
interface Path {
  operation: string | null;
  /** Operation and how many times it occurs on the path so far: what shares a column. */
  key: string;
  depth: number;
  /** Steps below it. */
  height: number;
  parent: Path | null;
  children: Map<string | null, Path>;
  models: number[];
}

/** Columns by step: column = depth. A heading names the operation where all of a column agree. */
export function columnsByStep(table: ModelTable): Columns {
  const columns: Column[] = [];
  for (let i = 0; i < table.count; i++) {
    const column = (columns[table.step[i]!] ??= { operation: table.operation[i]!, models: [] });
    if (column.operation !== table.operation[i]) column.operation = null;
    column.models.push(i);
  }
  return { of: table.step, columns };
}

/** Columns by operation. O(n + paths × columns), where paths are the distinct sequences of operations. */
export function columnsByOperation(table: ModelTable): Columns {
  const of = new Int32Array(table.count);
  const columns: Column[] = [];
  const frontier = new Map<string, Path[]>();
  const pending = new Map<string, number>();
  const { first, all } = paths(table);
  for (const path of all) pending.set(path.key, (pending.get(path.key) ?? 0) + 1);
  for (const path of first) append(frontier, path);
  while (frontier.size) {
    const key = nextKey(frontier, pending);
    const placed = frontier.get(key)!;
    frontier.delete(key);
    pending.set(key, pending.get(key)! - placed.length);
    const models = placed.flatMap((path) => path.models).sort((a, b) => a - b);
    for (const model of models) of[model] = columns.length;
    columns.push({ operation: placed[0]!.operation, models });
    for (const path of placed) for (const child of path.children.values()) append(frontier, child);
  }
  return { of, columns };
}

/** The sequences of operations as a trie, shallow ones first. */
function paths(table: ModelTable): { first: Path[]; all: Path[] } {
  const first = new Map<string | null, Path>();
  const all: Path[] = [];
  const pathOf: Path[] = [];
  const queue = [...table.roots];
  for (let head = 0; head < queue.length; head++) {
    const model = queue[head]!;
    const parent = table.base[model]! < 0 ? null : pathOf[table.base[model]!]!;
    const siblings = parent ? parent.children : first;
    const operation = table.operation[model] ?? null;
    let path = siblings.get(operation);
    if (!path) {
      path = makePath(operation, parent);
      siblings.set(operation, path);
      all.push(path);
    }
    path.models.push(model);
    pathOf[model] = path;
    for (const child of table.children[model]!) queue.push(child);
  }
  for (let k = all.length - 1; k >= 0; k--) {
    const { parent, height } = all[k]!;
    if (parent) parent.height = Math.max(parent.height, height + 1);
  }
  return { first: [...first.values()], all };
}

function makePath(operation: string | null, parent: Path | null): Path {
  let occurrence = 1;
  for (let path = parent; path; path = path.parent) {
    if (path.operation !== operation) continue;
    occurrence = Number(path.key.slice(0, path.key.indexOf(" "))) + 1;
    break;
  }
  const key = `${occurrence} ${operation ?? ""}`;
  return { operation, key, depth: parent ? parent.depth + 1 : 0, height: 0, parent, children: new Map(), models: [] };
}

/**
 * What to place next: an operation of which nothing is left to come, the shallowest first, then the one that leads
 * furthest, then by name. If each has more to come (lineages disagree) the one with the largest share at hand.
 */
function nextKey(frontier: Map<string, Path[]>, pending: Map<string, number>): string {
  const ranked = [...frontier].map(([key, found]) => ({
    key,
    share: found.length / pending.get(key)!,
    depth: Math.min(...found.map((path) => path.depth)),
    height: Math.max(...found.map((path) => path.height)),
    name: found[0]!.operation ?? "",
  }));
  ranked.sort(
    (a, b) =>
      b.share - a.share || a.depth - b.depth || b.height - a.height || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  return ranked[0]!.key;
}

function append(lists: Map<string, Path[]>, path: Path): void {
  const list = lists.get(path.key);
  if (list) list.push(path);
  else lists.set(path.key, [path]);
}
