/** Steps among the paths by keys, as in any tree. */
import type { PathLayout, Placed } from "./layout";

/** Where an arrow leads from a path; the same one where there is nothing. */
export function stepTo(layout: PathLayout, from: Placed, key: string): Placed {
  const { placed } = layout;
  if (key === "ArrowDown") return placed[from.index + 1] ?? from;
  if (key === "ArrowUp") return placed[from.index - 1] ?? from;
  if (key === "ArrowLeft") return placed[from.parent] ?? from;
  if (key === "ArrowRight") return placed.find(({ parent }) => parent === from.index) ?? from;
  if (key === "Home") return placed[0] ?? from;
  return key === "End" ? (placed.at(-1) ?? from) : from;
}
