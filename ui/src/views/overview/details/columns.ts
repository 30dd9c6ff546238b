import { slotsOf, type BarLayout } from "@/charts/bars";

const AXIS = 52;
/** A bar that can be seen and pointed at, with its share of the gaps. */
const BAR = 10;
const LEAST = 190;
const MOST = 4;

/** How many charts of a layout stand side by side: as many as leave every bar wide enough. */
export function columnsFor(layout: BarLayout, width: number, gap: number, charts: number): number {
  const groups = layout.xs.length * layout.facets.length;
  const most = Math.max(1, ...slotsOf(layout).map((colors) => colors.length));
  const wanted = Math.max(LEAST, AXIS + groups * Math.max(24, most * BAR + 8));
  const fit = Math.floor((width + gap) / (wanted + gap));
  return Math.max(1, Math.min(MOST, fit, charts));
}

const LOWEST = 132;
const HIGHEST = 300;
/** Title, finding and the space below. */
const AROUND = 40;

/**
 * The height of a chart when `rows` of them may fill `room` pixels: never less than can be read, or more than helps.
 */
export function heightFor(rows: number, room: number, gap: number): number {
  const share = Math.floor((room - gap) / Math.max(1, rows)) - AROUND - gap;
  return Math.min(HIGHEST, Math.max(LOWEST, share));
}
