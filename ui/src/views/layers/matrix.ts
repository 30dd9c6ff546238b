/** Layers by models as shades: what each layer does to each model, and of activations what had reached it before. */
import { addedOf, MEASURES, type Measure } from "./measures";
import type { LayerTable } from "./table";

export interface MatrixCell {
  /** The layer's own, in the unit of the measure; null where it is missing. */
  readonly made: number | null;
  /** How much of it is lost, from 0 to 1; null where it does not tell. */
  readonly shade: number | null;
  /** The error so far, this layer's included; null in modes where nothing goes on from layer to layer. */
  readonly received: number | null;
  readonly receivedShade: number | null;
}

export interface DamageMatrix {
  /** What layers are blamed by. */
  readonly measure: Measure;
  /** What goes on from layer to layer; null where nothing does. */
  readonly soFar: Measure | null;
  /** Models but the base; of each a cell per layer. */
  readonly rows: readonly { readonly model: number; readonly cells: readonly MatrixCell[] }[];
}

/** The cells of all layers and models but the base, blamed by what a layer adds. */
export function damageMatrix(table: LayerTable, layers: readonly number[], chosen: Measure): DamageMatrix {
  const measure = addedOf(table.what, chosen);
  const soFar = measure.id === chosen.id ? partnerOf(table, measure) : chosen;
  const cell = (row: number, model: number): MatrixCell => {
    const made = measure.read(table, row, model);
    const received = soFar?.read(table, row, model) ?? null;
    return {
      made,
      shade: shadeOf(measure, made),
      received,
      receivedShade: soFar ? shadeOf(soFar, received) : null,
    };
  };
  const rows = table.models.slice(1).map((_, k) => ({ model: k + 1, cells: layers.map((row) => cell(row, k + 1)) }));
  return { measure, soFar, rows };
}

/** Of an error that a layer adds, the error so far. */
function partnerOf(table: LayerTable, added: Measure): Measure | null {
  if (table.what !== "activations") return null;
  return MEASURES.activations.find((other) => other !== added && addedOf(table.what, other) === added) ?? null;
}

function shadeOf(measure: Measure, value: number | null): number | null {
  return value === null || Number.isNaN(value) ? null : measure.loss(value);
}
