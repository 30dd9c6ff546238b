/** Which models were made alike, with other seeds or other draws. */
import type { Json } from "@/api/json";

export interface Replicates {
  /** The model that stands for each: itself, or the first of those made alike. */
  readonly first: Int32Array;
  /** By the first: all models made alike, in the order of logging. */
  readonly members: ReadonlyMap<number, readonly number[]>;
  /** What each is called, such as `seed 3`; null where nothing was said. */
  readonly names: readonly (string | null)[];
}

interface Rows {
  readonly ids: readonly string[];
  readonly base: Int32Array;
  readonly operation: readonly (string | null)[];
  readonly parameters: readonly Record<string, Json>[];
  readonly replicate?: readonly (string | null)[];
}

/** Replicates have a name, the same operation with the same parameters, and one base or bases that are replicates. */
export function replicatesOf({ ids, base, operation, parameters, replicate }: Rows): Replicates {
  const first = Int32Array.from(ids, (_, i) => i);
  const members = new Map<number, number[]>();
  const names = ids.map((_, i) => replicate?.[i] ?? null);
  if (names.every((name) => name === null)) return { first, members, names };
  const known = new Map<string, number>();
  for (const i of basesFirst(base)) {
    if (names[i] === null) continue;
    const below = base[i]! < 0 ? -1 : first[base[i]!]!;
    const sorted = Object.entries(parameters[i]!).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([below, operation[i] ?? null, sorted]);
    const found = known.get(key);
    if (found === undefined) known.set(key, i);
    else {
      first[i] = found;
      members.set(found, [...(members.get(found) ?? [found]), i]);
    }
  }
  return { first, members, names };
}

/** All rows, each after its base. */
function basesFirst(base: Int32Array): number[] {
  const depth = (i: number): number => {
    let steps = 0;
    for (let at = base[i]!; at >= 0 && steps <= base.length; at = base[at]!) steps++;
    return steps;
  };
  const depths = Array.from(base, (_, i) => depth(i));
  return [...base.keys()].sort((a, b) => depths[a]! - depths[b]! || a - b);
}
