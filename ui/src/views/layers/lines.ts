/** The lines of the panel's table: one fact of a layer, in words, for each model. */
import type { LayerColumn } from "@/api/layers";
import { formatBytes, formatCount, formatValue, MISSING, plain } from "@/format";
import { apart, storedShort } from "./cells";
import { firstOf, OUTPUTS, WEIGHTS } from "./channels";
import { MEASURES } from "./measures";
import { numberAt, type LayerTable } from "./table";

export interface Line {
  readonly name: string;
  readonly title: string;
  readonly cells: readonly string[];
  /** How bad each value is, from 0 to 1, where that can be said. */
  readonly losses: readonly (number | null)[];
  /** What a cell says in full, where it is cut. */
  readonly titles?: readonly string[];
}

const RANGE: readonly [column: LayerColumn, name: string][] = [
  ["mean", "Mean"],
  ["standard_deviation", "Standard deviation"],
  ["min", "Min"],
  ["max", "Max"],
];

const isNone = (value: number | null): value is null => value === null || Number.isNaN(value);

/** What the weights are, and how far they are from the base's, which is the first model. */
export function weightLines(table: LayerTable, row: number): Line[] {
  const all = table.models.map((_, model) => model);
  const plainLine = (name: string, title: string, cells: string[]): Line => ({ name, title, cells, losses: [] });
  const counts = all.map((model) => numberAt(table, row, model, "num_parameters"));
  const found = [
    plainLine(
      "Weights",
      "Number of weights",
      counts.map((n) => (n === null ? MISSING : formatCount(n))),
    ),
  ];
  for (const measure of [...MEASURES.weights, ...MEASURES.sparsity]) {
    if (measure.compares && all.length < 2) continue;
    const values = all.map((model) =>
      measure.compares && (model === 0 || apart(table, row, model) !== "") ? null : measure.read(table, row, model),
    );
    found.push({
      name: measure.name,
      title: measure.meaning,
      cells: values.map((value) =>
        value === Infinity && measure.id === "sqnr_db" ? "same" : formatValue(measure, value),
      ),
      losses: values.map((value) => (isNone(value) ? null : measure.loss(value))),
    });
  }
  for (const [column, name] of RANGE) {
    const values = all.map((model) => numberAt(table, row, model, column));
    found.push(
      plainLine(
        name,
        "",
        values.map((value) => (value === null ? MISSING : plain(value))),
      ),
    );
  }
  for (const { name, title, words } of WEIGHTS) {
    const cells = all.map((model) => (model === 0 && name === "Changed most" ? MISSING : words(table, row, model)));
    found.push(plainLine(name, title, cells));
  }
  return found;
}

/** How the weights are stored. */
export function storageLines(table: LayerTable, row: number): Line[] {
  const all = table.models.map((_, model) => model);
  const stored = all.map((model) =>
    numberAt(table, row, model, "num_parameters") ? storedShort(table, row, model) : MISSING,
  );
  const measured = MEASURES.storage.map((measure): Line => {
    const values = all.map((model) => measure.read(table, row, model));
    const cells = values.map((value) =>
      value !== null && measure.unit === "B" ? formatBytes(value) : formatValue(measure, value),
    );
    return { name: measure.name, title: measure.meaning, cells, losses: [] };
  });
  return [{ name: "Stored as", title: "Type, or bits and scheme", cells: stored, losses: [] }, ...measured];
}

/** What the layer gives out, for these models, the first of which is the base. */
export function outputLines(table: LayerTable, row: number, models: readonly string[]): Line[] {
  const at = models.map((id) => table.models.indexOf(id));
  const measured = MEASURES.activations.map((measure): Line => {
    const values = at.map((model) => measure.read(table, row, model));
    return {
      name: measure.name,
      title: measure.meaning,
      cells: values.map((value, model) => (measure.compares && model === 0 ? MISSING : formatValue(measure, value))),
      losses: values.map((value, model) => (isNone(value) || model === 0 ? null : measure.loss(value))),
    };
  });
  const told = OUTPUTS.map(({ name, title, words }): Line => {
    const titles = at.map((model) => words(table, row, model));
    return { name, title, cells: titles.map(firstOf), titles, losses: [] };
  });
  return [...measured, ...told];
}
