/** Sorting of a comparison: by any column, missing values always last. */
export type Sortable = string | number | boolean | null;

function rank(value: Sortable): number {
  return value === null || (typeof value === "number" && !Number.isFinite(value))
    ? 2
    : typeof value === "string"
      ? 1
      : 0;
}

function compare(a: Sortable, b: Sortable): number {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, undefined, { numeric: true });
  return Number(a) - Number(b);
}

/** Positions of `values` in ascending or descending order; equal ones keep theirs. */
export function sortedOrder(values: readonly Sortable[], descending: boolean): number[] {
  const sign = descending ? -1 : 1;
  return values
    .map((_, i) => i)
    .sort((i, j) => {
      const [a, b] = [values[i]!, values[j]!];
      const [ra, rb] = [rank(a), rank(b)];
      if (ra === 2 || rb === 2) return ra - rb || i - j;
      return (ra !== rb ? sign * (ra - rb) : sign * compare(a, b)) || i - j;
    });
}
