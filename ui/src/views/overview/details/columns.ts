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
