/** The order of siblings: by column of their operation, then by parameter values, then by id. */
import type { Json } from "@/api/json";
import type { ModelTable } from "@/state/table";

const collator = new Intl.Collator("en", { numeric: true });

/** Compare two parameter values: numbers as numbers, texts with numbers in them as people would, kinds apart. */
export function compareValues(a: Json | undefined, b: Json | undefined): number {
  if (a === b) return 0;
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return collator.compare(a, b);
  const kinds = kind(a) - kind(b);
  return kinds || collator.compare(JSON.stringify(a) ?? "", JSON.stringify(b) ?? "");
}

function kind(value: Json | undefined): number {
  if (value === undefined || value === null) return 0;
  return ["boolean", "number", "string", "object"].indexOf(typeof value) + 1;
}

/** Compare parameters key by key, in the order in which the first names them. */
export function compareParameters(a: Record<string, Json>, b: Record<string, Json>): number {
  if (a === b) return 0;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)].sort())) {
    const order = compareValues(a[key], b[key]);
    if (order) return order;
  }
  return 0;
}

/** Children of every model, and the roots, in drawing order. O(n log n); each distinct step is compared only once. */
export function orderedChildren(table: ModelTable, column: Int32Array): { children: number[][]; roots: number[] } {
  const rank = stepRanks(table, column);
  const compare = (a: number, b: number): number =>
    rank[a]! - rank[b]! || collator.compare(table.ids[a]!, table.ids[b]!);
  return {
    children: table.children.map((list) => (list.length > 1 ? [...list].sort(compare) : list)),
    roots: [...table.roots].sort(compare),
  };
}

function stepRanks(table: ModelTable, column: Int32Array): Int32Array {
  const groups = new Map<Record<string, Json>, Map<number, number[]>>();
  for (let i = 0; i < table.count; i++) {
    const byColumn = groups.get(table.parameters[i]!) ?? new Map<number, number[]>();
    groups.set(table.parameters[i]!, byColumn);
    const list = byColumn.get(column[i]!);
    if (list) list.push(i);
    else byColumn.set(column[i]!, [i]);
  }
  const steps = [...groups].flatMap(([parameters, byColumn]) =>
    [...byColumn].map(([of, models]) => ({ parameters, of, models })),
  );
  const compare = (a: (typeof steps)[number], b: (typeof steps)[number]): number =>
    a.of - b.of || compareParameters(a.parameters, b.parameters);
  steps.sort(compare);
  const rank = new Int32Array(table.count);
  let current = 0;
  steps.forEach((step, k) => {
    if (k && compare(steps[k - 1]!, step)) current++;
    for (const model of step.models) rank[model] = current;
  });
  return rank;
}
