/** Numbers of answers: JSON has no literal for what is not finite, so that these travel as texts. */
type NotFinite = "NaN" | "Infinity" | "-Infinity";

/** The fields of a row that hold such numbers; a field of other texts is none. */
type NumberKey<Row> = {
  [Key in keyof Row]-?: string extends Row[Key] ? never : NotFinite extends Row[Key] ? Key : never;
}[keyof Row];

/** A row whose numbers are numbers. */
export type Plain<Row> = {
  [Key in keyof Row]: Key extends NumberKey<Row> ? Exclude<Row[Key], NotFinite> : Row[Key];
};

/** A number of an answer. */
export function told(value: number | string): number {
  return typeof value === "number" ? value : Number(value);
}

/** Rows with their numbers read; `names` must name every field that holds one. */
export function plainRows<Row extends object>(
  rows: readonly Row[],
  names: Readonly<Record<NumberKey<Row>, true>>,
): Plain<Row>[] {
  const keys = Object.keys(names) as (keyof Row)[];
  return rows.map((row) => {
    const read = { ...row } as Record<keyof Row, unknown>;
    for (const key of keys) if (typeof row[key] === "string") read[key] = Number(row[key]);
    return read as Plain<Row>;
  });
}
