/** Which rows of a very long list are in view: browsers draw no element that is millions of pixels high. */
export const TALLEST = 8_000_000;
const AROUND = 8;

export interface Window {
  /** Height of the scrolled content. */
  height: number;
  /** First row in view, and how far its top is from the top of the content. */
  first: number;
  offset: number;
  count: number;
}

/**
 * The rows at a scroll position; where the content is shortened,
 * scrolling skips rows evenly and still ends at the last.
 */
export function windowAt(total: number, row: number, top: number, view: number): Window {
  const whole = total * row;
  const height = Math.min(whole, TALLEST);
  const count = Math.ceil(view / row) + 1;
  if (whole <= TALLEST) {
    const first = Math.max(0, Math.min(Math.floor(top / row), total - 1));
    return { height, first, offset: first * row, count: Math.min(count, total - first) };
  }
  const share = Math.min(1, Math.max(0, top / Math.max(1, height - view)));
  const exact = share * (total - view / row);
  const first = Math.floor(exact);
  return { height, first, offset: top - (exact - first) * row, count: Math.min(count, total - first) };
}

/**
 * Where to scroll so that a row is in view: nowhere if it is, else as little as can be.
 *
 * `view` is the height that rows have, without a head that covers some of it.
 */
export function revealed(row: number, list: { total: number; row: number; top: number; view: number }): number {
  const whole = list.total * list.row;
  const height = Math.min(whole, TALLEST);
  // of a shortened list a pixel of the scroll bar is several of its rows'
  const scale = whole > list.view ? (height - list.view) / (whole - list.view) : 1;
  const first = list.top / scale;
  const [start, end] = [row * list.row, (row + 1) * list.row];
  if (start < first) return start * scale;
  return end > first + list.view ? (end - list.view) * scale : list.top;
}

/** The rows of a list in view, and a few above and below, so that a small step shows no gap. */
export function aroundWindow(list: { count: number; row: number; top: number; view: number }): {
  from: number;
  to: number;
} {
  const { first, count } = windowAt(list.count, list.row, list.top, list.view);
  return { from: Math.max(0, first - AROUND), to: Math.min(list.count, first + count + AROUND) };
}

/** The pages that rows from `first` on are in. */
export function pagesOf(first: number, count: number, size: number): number[] {
  const pages = [];
  for (let page = Math.floor(first / size); page * size < first + count; page++) pages.push(page);
  return pages;
}
