/** What models are called on the map, worked out when the first of them is to be written. */
import { namesOf } from "@/state/steps";
import type { ModelTable } from "@/state/table";

export interface Names {
  /** Whether they are ids, which have a face of their own. */
  readonly areIds: boolean;
  /** All models' names in so many characters, each apart from all others; of a model that is not shown its id. */
  at: (limit: number) => readonly string[];
}

/** Names in whole are asked for with this limit. */
export const WHOLE = 400;
/** Names are cut to lengths that are so far apart, so that few are worked out. */
const STRIDE = 4;

/** The names of the models that are shown, 1 in `shown`, by how their paths differ, or by their ids. */
export function mapNames(table: ModelTable, shown: Uint8Array, byId: boolean): Names {
  let short: ((limit: number) => readonly string[]) | null = null;
  const known = new Map<number, readonly string[]>();
  const at = (limit: number): readonly string[] => {
    const cut = limit === WHOLE ? WHOLE : Math.max(STRIDE, limit - (limit % STRIDE));
    let names = known.get(cut);
    if (!names) {
      const rows = [...table.ids.keys()].filter((row) => shown[row] === 1);
      short ??= namesOf(table, rows, byId);
      const all = [...table.ids];
      short(cut).forEach((name, k) => (all[rows[k]!] = name));
      known.set(cut, (names = all));
    }
    return names;
  };
  return { areIds: byId, at };
}
