/** The server's Arrow stream of all models, as columns. */
import { Precision, tableFromIPC, type Column } from "@uwdata/flechette";
import type { Json } from "@/api/json";
import type { Schemas } from "@/api/types";
import { buildTable, type Metric, type ModelTable } from "./table";

type Fixed = keyof Schemas["StreamedModel"];
/** Columns before the first metric, by their places; a metric may have the name of one. */
const PLACE: Readonly<Record<Fixed, number>> = {
  id: 0,
  base: 1,
  operation: 2,
  parameters: 3,
  step: 4,
  tags: 5,
  references: 6,
  replicate: 7,
};
const FIXED = Object.keys(PLACE).length;
/** The same of the standard errors. */
const FIXED_OF_ERRORS: readonly (keyof Schemas["StreamedErrors"])[] = ["id"];

/** Decode an Arrow IPC stream; `metrics` are the project's definitions, for units and directions. */
export function decodeModels(bytes: Uint8Array, metrics: Metric[], revision: number): ModelTable {
  const arrow = tableFromIPC(bytes, { useBigInt: false });
  const at = (k: number): Column<unknown> => arrow.getChildAt(k) as Column<unknown>;
  const column = (name: Fixed): Column<unknown> => at(PLACE[name]);
  const texts = (name: Fixed): (string | null)[] => Array.from(column(name).toArray() as ArrayLike<string | null>);
  const count = arrow.numRows;
  const names = arrow.names.slice(FIXED);
  const defined = new Map(metrics.map((metric) => [metric.name, metric]));
  return buildTable({
    revision,
    ids: texts("id").map(String),
    bases: texts("base"),
    operation: texts("operation"),
    parameters: cached(texts("parameters"), (text) => JSON.parse(text) as Record<string, Json>, {}),
    tags: listColumn(column("tags"), count),
    references: cached(texts("references"), (text) => JSON.parse(text) as Schemas["ReferenceAnswer"][], []),
    replicate: texts("replicate"),
    metrics: names.map((name) => defined.get(name) ?? definitionOf(name, metrics)),
    values: names.map((_, k) => numbers(at(FIXED + k))),
  });
}

/** Standard errors by metric, one for each row of a table; NaN where none is known. */
export type StandardErrors = ReadonlyMap<string, Float64Array>;

/** Decode the stream of standard errors for the rows of a table, which may be of another revision. */
export function decodeErrors(bytes: Uint8Array, table: ModelTable): StandardErrors {
  const arrow = tableFromIPC(bytes, { useBigInt: false });
  const rows = Array.from(arrow.getChildAt(0)!.toArray() as ArrayLike<string>, (id) => table.indexOf.get(id));
  const found = new Map<string, Float64Array>();
  arrow.names.slice(FIXED_OF_ERRORS.length).forEach((name, k) => {
    const column = arrow.getChildAt(FIXED_OF_ERRORS.length + k)!.toArray() as ArrayLike<number | null>;
    const errors = new Float64Array(table.count).fill(NaN);
    rows.forEach((row, i) => {
      if (row !== undefined) errors[row] = column[i] ?? NaN;
    });
    found.set(String(name), errors);
  });
  return found;
}

function numbers(column: Column<unknown>): ArrayLike<number | null> {
  const values = column.toArray() as ArrayLike<number | null>;
  const { type } = column;
  if (!("precision" in type) || type.precision !== Precision.SINGLE) return values;
  return Array.from(values, (value) => (value === null ? null : shortest(value)));
}

/** From here on numbers of single precision are whole. */
const WHOLE = 2 ** 23;

/** The decimal of seven digits that a number of single precision stands for: 0.981, not 0.98100001811981. */
export function shortest(value: number): number {
  const size = Math.abs(value);
  if (!(size > 1e-15 && size < WHOLE)) return value;
  const power = 10 ** (6 - Math.floor(Math.log10(size)));
  return Math.round(value * power) / power;
}

/** Parse each distinct text once: a sweep repeats the same few parameters thousands of times. */
function cached<T>(texts: (string | null)[], parse: (text: string) => T, empty: T): T[] {
  const known = new Map<string, T>();
  return texts.map((text) => {
    if (!text) return empty;
    let value = known.get(text);
    if (value === undefined) known.set(text, (value = parse(text)));
    return value;
  });
}

function listColumn(column: Column<unknown>, count: number): string[][] {
  return Array.from({ length: count }, (_, i) => Array.from((column.at(i) ?? []) as Iterable<string>));
}

/**
 * A metric of several devices or datasets has a column for each, `Latency (phone)`, with its unit and direction. Which
 * of them comes first is for the user to say.
 */
function definitionOf(name: string, metrics: readonly Metric[]): Metric {
  const split = metrics.filter((metric) => name.startsWith(`${metric.name} (`) && name.endsWith(")"));
  const [whole] = split.sort((one, other) => other.name.length - one.name.length);
  if (whole) return { ...whole, name, primary: false };
  return { name, unit: "", format: "", higher_is_better: null, primary: false, min: null, max: null, description: "" };
}
