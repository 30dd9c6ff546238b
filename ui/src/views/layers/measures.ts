/** What can be read off a layer as one number, for sorting, for the depth profile, and beside each picture. */
import type { LayerColumn, Mode } from "@/api/layers";
import { LAYER_MEASURES } from "@/api/vocabulary.gen";
import type { MetricLike } from "@/format";
import { numberAt, type LayerTable } from "./table";

/** As the server defines it: the names, units and meanings are in `analysis/layers/measures.py`. */
interface Defined extends MetricLike {
  readonly id: string;
  /** In one sentence. */
  readonly meaning: string;
  readonly column: LayerColumn;
  readonly shareOf: "num_parameters" | "model" | null;
  /** Whether the depth profile has a logarithmic axis. */
  readonly log: boolean;
  /** Whether it compares with the base; of the base itself it says nothing. */
  readonly compares: boolean;
  readonly loss: keyof typeof LOSSES | null;
  /** Whether it is how many or how much there is of something. */
  readonly counts: boolean;
}

export interface Measure extends Omit<Defined, "loss"> {
  read(table: LayerTable, row: number, model: number): number | null;
  /** How much was lost, from 0 to 1, on a scale that is the same for every model; null where it does not tell. */
  loss(value: number): number | null;
}

const unit = (value: number): number => Math.min(1, Math.max(0, value));
/** An error of 1% (40 dB) is no loss to speak of, one as large as the weights themselves (0 dB) is a whole one. */
const lossOfError = (error: number): number => (error > 0 ? unit(1 + Math.log10(error) / 2) : 0);
const LOSSES = {
  decibels: (value: number): number => unit(1 - value / 40),
  error: lossOfError,
  cosine: (value: number): number => lossOfError(Math.sqrt(Math.max(0, 2 - 2 * value))),
  alignment: (value: number): number => unit(1 - value),
  some: (value: number): number | null => (value > 0 ? 0.5 : null),
  any: (value: number): number | null => (value > 0 ? 1 : null),
};

function measure(defined: Defined): Measure {
  const { column, shareOf, loss } = defined;
  return {
    ...defined,
    loss: loss ? LOSSES[loss] : () => null,
    read(table, row, model) {
      const value = numberAt(table, row, model, column);
      if (shareOf === null) return value;
      const whole =
        shareOf === "model" ? numberAt(table, 0, model, column) : numberAt(table, row, model, "num_parameters");
      return value === null || !whole ? null : value / whole;
    },
  };
}

const DEFINED: Readonly<Record<Mode, readonly Defined[]>> = LAYER_MEASURES;
export const MEASURES: Readonly<Record<Mode, readonly Measure[]>> = {
  sparsity: DEFINED.sparsity.map(measure),
  weights: DEFINED.weights.map(measure),
  activations: DEFINED.activations.map(measure),
  storage: DEFINED.storage.map(measure),
};

/** The columns that the measures of a mode are read from. */
export function columnsOf(mode: Mode): LayerColumn[] {
  return [...new Set(DEFINED[mode].map((defined) => defined.column))];
}

/** By the error so far, or what follows from it, the same of the error that a layer adds. */
const ADDED: Readonly<Record<string, string>> = {
  relative_error: "local_relative_error",
  sqnr_db: "local_sqnr_db",
  cosine: "local_relative_error",
  cka: "local_relative_error",
};

/**
 * What layers are blamed by: of activations the error that a layer adds, since a layer that is reached by the error of
 * those before it may well reduce it.
 */
export function addedOf(mode: Mode, measure: Measure): Measure {
  const id = mode === "activations" ? ADDED[measure.id] : undefined;
  return MEASURES[mode].find((other) => other.id === id) ?? measure;
}

/** Whether a measure goes on from layer to layer, so that a line between its values means something. */
export function goesOn(mode: Mode, measure: Measure): boolean {
  return mode === "activations" && measure.id in ADDED;
}

/** The measure of a mode by its name, else the first that says something about these models. */
export function measureOf(mode: Mode, id: string | null, compares: boolean): Measure {
  const known = MEASURES[mode].filter((measure) => compares || !measure.compares);
  return known.find((measure) => measure.id === id) ?? known[0]!;
}
