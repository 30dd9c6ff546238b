/** Answers of the server about layers: Arrow streams with a row for each module and tensor of each model. */
import { float64, list, tableFromArrays, tableToIPC, utf8 } from "@uwdata/flechette";
import type { LayerColumn, LayerColumns, LayerValue } from "@/api/layers";
import { buildLayers, type LayerTable } from "@/views/layers/table";
import type { Asked } from "./server";

type Cell = Readonly<Record<string, LayerValue | readonly number[]>>;
export type Row = readonly [module: string, parameter: string | null, cells: readonly (Cell | null)[]];

/** The rows of each model one after another; null stands for a row that a model lacks. */
function flatten(models: readonly string[], rows: readonly Row[]): Record<string, LayerValue>[] {
  return rows.flatMap(([module, parameter, cells]) =>
    cells.flatMap((cell, k) => (cell ? [{ module, parameter, model: models[k]!, num_parameters: 10, ...cell }] : [])),
  ) as Record<string, LayerValue>[];
}

function columnsOf(flat: readonly Record<string, LayerValue>[]): [string, LayerValue[]][] {
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  return names.map((name) => [name, flat.map((row) => row[name] ?? null)]);
}

/** A table as the page has it. */
export function layerTable(models: string[], rows: readonly Row[], what: LayerColumns["what"] = "weights"): LayerTable {
  const flat = flatten(models, rows);
  return buildLayers(
    { what, models, count: flat.length, columns: new Map(columnsOf(flat) as [LayerColumn, LayerValue[]][]) },
    models[0]!,
  );
}

/** A table as the server sends it. */
export function layerStream(models: readonly string[], rows: readonly Row[]): Uint8Array {
  const columns = columnsOf(flatten(models, rows));
  const typeOf = (values: LayerValue[]) => {
    const value = values.find((one) => one !== null);
    return typeof value === "string" ? utf8() : typeof value === "object" ? list(float64()) : float64();
  };
  const arrow = tableFromArrays(Object.fromEntries(columns), {
    types: Object.fromEntries(columns.map(([name, values]) => [name, typeOf(values)])),
  });
  return tableToIPC(arrow, { format: "stream" })!;
}

/** Everything about a cell whose signal stands so many dB above the noise. */
const cell = (sqnr: number, zeros = 0): Cell => ({
  sqnr_db: sqnr,
  relative_error: 10 ** (-sqnr / 20),
  local_relative_error: 10 ** (-sqnr / 20),
  local_sqnr_db: sqnr,
  cosine: 0.99,
  cka: 0.98,
  mean: 0.5,
  standard_deviation: 0.25,
  min: -1,
  max: 1,
  mean_abs: 0.5,
  mean_abs_change: 0.1,
  num_zeros: zeros,
  zero_both: 0,
  zero_model_only: zeros,
  zero_base_only: 0,
  num_nonfinite: 0,
  num_distinct: 8,
  entropy_bits: 3,
  histogram: [0, 1, 4, 4, 1, 0],
  histogram_low: -1,
  histogram_high: 1,
  change_bands: [6, 2, 1, 1, 0, 0],
  num_compared: 10,
  dtype: "float32",
  scheme: "dense",
  bits: 32,
  bytes: 40,
  file_bytes: 48,
  bits_per_parameter: 32,
});

/** A network of two layers in a block and a head; the second model changed most in the head. */
export const ROWS: readonly Row[] = [
  ["", null, [cell(99), cell(12, 3)]],
  ["block", null, [cell(99), cell(20)]],
  ["block.conv", null, [cell(99), cell(21)]],
  ["block.conv", "weight", [cell(99), cell(21)]],
  ["block.norm", null, [cell(99), cell(30)]],
  ["block.norm", "weight", [cell(99), cell(30)]],
  ["head", null, [cell(99), cell(6, 3)]],
  ["head", "weight", [cell(99), cell(6, 3)]],
  ["head", "bias", [cell(99), null]],
];

/** Answers about as many of the models as the rows have cells for. */
export function layersOf(rows: readonly Row[] = ROWS) {
  return ({ body }: Asked): Uint8Array => {
    const models = body!.models as string[];
    const modules = body!.modules as string[] | undefined;
    const shown = rows.filter(([module]) => !modules || modules.includes(module));
    return layerStream(
      models,
      shown.map(([module, parameter, cells]) => [module, parameter, cells.slice(0, models.length)] as const),
    );
  };
}
