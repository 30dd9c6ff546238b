/** What keys do on the map. */
import type { ViewStore } from "@/state/view.svelte";
import type { MapState } from "./map.svelte";
import { neighbor, type Direction } from "./walk";

const ARROWS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** Handle a key; true when it meant something. */
export function pressKey(event: KeyboardEvent, map: MapState, view: ViewStore): boolean {
  const at = view.hovered ?? view.selection.at(-1) ?? map.table.roots[0] ?? null;
  const direction = ARROWS[event.key];
  if (direction && at !== null) {
    // The first arrow shows where one is.
    const next = view.hovered === null && !view.selection.length ? at : neighbor(map.table, map.layout, at, direction);
    walkTo(next, event.shiftKey, map, view);
    return true;
  }
  if (event.key === "Home" && map.table.roots.length) walkTo(map.table.roots[0]!, event.shiftKey, map, view);
  else if (event.key === " " && at !== null) view.select([at], "toggle");
  else if (event.key === "Enter" && at !== null) {
    view.select([at]);
    view.update({ tab: "selection" });
  } else if (event.key === "+" || event.key === "=") map.zoom(1.25);
  else if (event.key === "-") map.zoom(0.8);
  else if (event.key === "0") map.fit();
  else return false;
  return true;
}

function walkTo(model: number, adding: boolean, map: MapState, view: ViewStore): void {
  view.hover(model);
  map.reveal(model);
  if (adding) view.select([model], "add");
}
