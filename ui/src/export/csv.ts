/** Tables as CSV (RFC 4180) that a spreadsheet can open without running anything. */

export type CsvValue = string | number | boolean | null | undefined;

/** A spreadsheet takes a text that starts like this for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** One field: numbers as they are, missing as empty, texts that could be formulas with an apostrophe before them. */
export function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A header and rows, one line each. */
export function toCsv(header: readonly string[], rows: Iterable<readonly CsvValue[]>): string {
  const lines = [header, ...rows].map((row) => row.map(csvField).join(","));
  return `${lines.join("\r\n")}\r\n`;
}
