/** What is shown, as a file: a line for each row and model. */
import type { LayerColumn } from "@/api/layers";
import { LAYER_NUMBERS } from "@/api/vocabulary.gen";
import { numberAt, pathOf, textAt, type LayerTable } from "./table";

const NUMBERS: Readonly<Record<LayerTable["what"], readonly LayerColumn[]>> = LAYER_NUMBERS;
const TEXTS = ["dtype", "scheme", "alignment", "counterpart"] as const;

/** Columns that a file needs beside those that name a row. */
export const CSV_COLUMNS: Readonly<Record<LayerTable["what"], readonly LayerColumn[]>> = {
  ...NUMBERS,
  storage: [...NUMBERS.storage, "dtype", "scheme"],
};
const numbersOf = (table: LayerTable): LayerColumn[] => ["num_parameters", ...NUMBERS[table.what]];

/** Comma-separated, with a line of names; what a spreadsheet would take for a formula gets an apostrophe in front. */
export function toCsv(table: LayerTable, rows: readonly number[]): string {
  const texts = TEXTS.filter((name) => table.what === "storage" || (name !== "dtype" && name !== "scheme"));
  const lines: string[][] = [["layer", "model", ...numbersOf(table), ...texts]];
  for (const row of rows) {
    table.models.forEach((id, model) => {
      if (!table.has(row, model)) return;
      const numbers = numbersOf(table).map((name) => numberText(numberAt(table, row, model, name)));
      lines.push([
        text(pathOf(table.rows[row]!)),
        text(id),
        ...numbers,
        ...texts.map((name) => text(textAt(table, row, model, name) ?? "")),
      ]);
    });
  }
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function numberText(value: number | null): string {
  if (value === null) return "";
  if (Number.isNaN(value)) return "nan";
  return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
}

function text(value: string): string {
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
