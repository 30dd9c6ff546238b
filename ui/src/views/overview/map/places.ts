/** Where models stand at a moment. */
import type { ModelTable } from "@/state/table";

/** A column and a row for each model. */
export interface Places {
  x: Float32Array;
  y: Float32Array;
}

/** Places of the models of one table in another: those that are new come out of their base. */
export function carryPlaces(before: ModelTable, places: Places, after: ModelTable, to: Places): Places {
  if (before === after) return places;
  const from: Places = { x: to.x.slice(), y: to.y.slice() };
  for (let i = 0; i < after.count; i++) {
    for (let at = i; at >= 0; at = after.base[at]!) {
      const old = before.indexOf.get(after.ids[at]!);
      if (old === undefined) continue;
      from.x[i] = places.x[old]!;
      from.y[i] = places.y[old]!;
      break;
    }
  }
  return from;
}
