/** What can be read off a layer as one number, for sorting, for the depth profile, and beside each picture. */
import type { LayerColumn, Mode } from "@/api/layers";
import type { MetricLike } from "@/format";
import { numberAt, type LayerTable } from "./table";

export interface Measure extends MetricLike {
  readonly id: string;
  /** In one sentence. */
  readonly meaning: string;
  /** Whether it compares with the base; of the base itself it says nothing. */
  readonly compares: boolean;
  /** Whether the depth profile has a logarithmic axis. */
  readonly log: boolean;
  read(table: LayerTable, row: number, model: number): number | null;
  /** How much was lost, from 0 to 1, on a scale that is the same for every model; null where it does not tell. */
  loss(value: number): number | null;
}

const PLAIN = { unit: "", format: "", higher_is_better: null, min: 0, max: null, log: false, loss: () => null };
const column = (id: LayerColumn) => (table: LayerTable, row: number, model: number) => numberAt(table, row, model, id);
const share = (id: LayerColumn) => (table: LayerTable, row: number, model: number) => {
  const [part, all] = [numberAt(table, row, model, id), numberAt(table, row, model, "num_parameters")];
  return part === null || !all ? null : part / all;
};
const unit = (value: number): number => Math.min(1, Math.max(0, value));
/** An error of 1% (40 dB) is no loss to speak of, one as large as the weights themselves (0 dB) is a whole one. */
const lossOfError = (error: number): number => (error > 0 ? unit(1 + Math.log10(error) / 2) : 0);

const SPARSITY: readonly Measure[] = [
  {
    ...PLAIN,
    id: "zeros",
    name: "Zeros",
    format: ".1%",
    max: 1,
    compares: false,
    read: share("num_zeros"),
    meaning: "Share of the weights that are zero.",
  },
  {
    ...PLAIN,
    id: "new_zeros",
    name: "New zeros",
    format: ".1%",
    max: 1,
    compares: true,
    read: share("zero_model_only"),
    meaning: "Share of the weights that are zero here and not in the base.",
  },
  {
    ...PLAIN,
    id: "filled_zeros",
    name: "Zeros undone",
    format: ".1%",
    max: 1,
    compares: true,
    read: share("zero_base_only"),
    meaning: "Share of the weights that are zero in the base and not here.",
  },
];

const WEIGHTS: readonly Measure[] = [
  {
    ...PLAIN,
    id: "sqnr_db",
    name: "SQNR",
    unit: "dB",
    format: ".1f",
    higher_is_better: true,
    min: null,
    compares: true,
    read: column("sqnr_db"),
    loss: (value) => unit(1 - value / 40),
    meaning:
      "Signal-to-quantization-noise ratio: energy of the base's weights over that of the change. " +
      "+6 dB is worth about one bit.",
  },
  {
    ...PLAIN,
    id: "relative_error",
    name: "Relative error",
    format: ".3~p",
    higher_is_better: false,
    log: true,
    compares: true,
    read: column("relative_error"),
    loss: lossOfError,
    meaning: "Norm of the change over the norm of the base's weights.",
  },
  {
    ...PLAIN,
    id: "mean_abs_change",
    name: "Mean change",
    higher_is_better: false,
    compares: true,
    read: column("mean_abs_change"),
    meaning: "Mean absolute change of a weight.",
  },
  {
    ...PLAIN,
    id: "cosine",
    name: "Cosine",
    format: ".4f",
    higher_is_better: true,
    min: -1,
    max: 1,
    compares: true,
    read: column("cosine"),
    loss: (value) => lossOfError(Math.sqrt(Math.max(0, 2 - 2 * value))),
    meaning: "Cosine of the angle between the weights and the base's: 1 is the same direction.",
  },
  {
    ...PLAIN,
    id: "entropy_bits",
    name: "Entropy",
    unit: "bits",
    format: ".2f",
    compares: false,
    read: column("entropy_bits"),
    meaning: "Bits per weight that an ideal code of the values needs.",
  },
  {
    ...PLAIN,
    id: "num_distinct",
    name: "Distinct values",
    format: ",d",
    log: true,
    compares: false,
    read: column("num_distinct"),
    meaning: "Number of different values of the weights; for a module, the sum over its tensors.",
  },
  {
    ...PLAIN,
    id: "channel_norm_change",
    name: "Channel change",
    format: ".3~p",
    higher_is_better: false,
    log: true,
    compares: true,
    read: column("channel_norm_change"),
    meaning: "Largest relative change of the norm of an output channel.",
  },
  {
    ...PLAIN,
    id: "num_dead_channels",
    name: "Dead channels",
    format: ",d",
    higher_is_better: false,
    compares: true,
    read: column("num_dead_channels"),
    loss: (value) => (value > 0 ? 0.5 : null),
    meaning: "Output channels that are all zeros here and were not in the base.",
  },
  {
    ...PLAIN,
    id: "mean_abs",
    name: "Mean magnitude",
    compares: false,
    read: column("mean_abs"),
    meaning: "Mean absolute value of a weight.",
  },
  {
    ...PLAIN,
    id: "num_nonfinite",
    name: "NaN or Inf",
    format: ",d",
    higher_is_better: false,
    compares: false,
    read: column("num_nonfinite"),
    loss: (value) => (value > 0 ? 1 : null),
    meaning: "Number of weights that are NaN or infinite. There should be none.",
  },
];

const STORAGE: readonly Measure[] = [
  {
    ...PLAIN,
    id: "bytes",
    name: "Bytes",
    unit: "B",
    format: ".3s",
    compares: false,
    read: column("bytes"),
    meaning: "Packed size, as the scheme implies: values or labels, bit map, scales and codebooks.",
  },
  {
    ...PLAIN,
    id: "share",
    name: "Share of the model",
    format: ".1%",
    max: 1,
    compares: false,
    read: (table, row, model) => {
      const [part, all] = [numberAt(table, row, model, "bytes"), numberAt(table, 0, model, "bytes")];
      return part === null || !all ? null : part / all;
    },
    meaning: "Share of the model's packed bytes.",
  },
  {
    ...PLAIN,
    id: "bits_per_parameter",
    name: "Bits per weight",
    format: ".2f",
    compares: false,
    read: column("bits_per_parameter"),
    meaning: "Packed bits, scales and codebooks included, over the number of weights.",
  },
  {
    ...PLAIN,
    id: "file_bytes",
    name: "File bytes",
    unit: "B",
    format: ".3s",
    compares: false,
    read: column("file_bytes"),
    meaning: "Size in the checkpoint file.",
  },
];

const ACTIVATIONS: readonly Measure[] = [
  {
    ...PLAIN,
    id: "local_relative_error",
    name: "Error added here",
    format: ".3~p",
    higher_is_better: false,
    log: true,
    compares: true,
    read: column("local_relative_error"),
    loss: lossOfError,
    meaning: "Error added here: change of the output, given the base's inputs, over the norm of the base's output.",
  },
  {
    ...PLAIN,
    id: "relative_error",
    name: "Error so far",
    format: ".3~p",
    higher_is_better: false,
    log: true,
    compares: true,
    read: column("relative_error"),
    loss: lossOfError,
    meaning: "Error so far, with that of all layers before: change of the output over the norm of the base's output.",
  },
  {
    ...PLAIN,
    id: "sqnr_db",
    name: "SQNR",
    unit: "dB",
    format: ".1f",
    higher_is_better: true,
    min: null,
    compares: true,
    read: column("sqnr_db"),
    loss: (value) => unit(1 - value / 40),
    meaning: "Energy of the base's outputs over that of their change, with that of all layers before.",
  },
  {
    ...PLAIN,
    id: "local_sqnr_db",
    name: "SQNR added here",
    unit: "dB",
    format: ".1f",
    higher_is_better: true,
    min: null,
    compares: true,
    read: column("local_sqnr_db"),
    loss: (value) => unit(1 - value / 40),
    meaning: "Energy of the base's outputs over that of the change that is added here, given the base's inputs.",
  },
  {
    ...PLAIN,
    id: "cosine",
    name: "Cosine",
    format: ".4f",
    higher_is_better: true,
    min: -1,
    max: 1,
    compares: true,
    read: column("cosine"),
    loss: (value) => lossOfError(Math.sqrt(Math.max(0, 2 - 2 * value))),
    meaning: "Cosine of the angle between the outputs and the base's.",
  },
  {
    ...PLAIN,
    id: "cka",
    name: "CKA",
    format: ".4f",
    higher_is_better: true,
    max: 1,
    compares: true,
    read: column("cka"),
    loss: (value) => unit(1 - value),
    meaning:
      "Linear centered kernel alignment: 1 where the outputs distinguish examples as the base's do, " +
      "even if channels were removed.",
  },
  {
    ...PLAIN,
    id: "mean_abs",
    name: "Mean magnitude",
    compares: false,
    read: column("mean_abs"),
    meaning: "Mean absolute value of the outputs.",
  },
  {
    ...PLAIN,
    id: "clipped",
    name: "Clipped",
    format: ".1%",
    max: 1,
    compares: false,
    read: column("clipped"),
    meaning: "Share of the outputs that equal the minimum or the maximum of all, zeros aside.",
  },
  {
    ...PLAIN,
    id: "num_nonfinite",
    name: "NaN or Inf",
    format: ",d",
    higher_is_better: false,
    compares: false,
    read: column("num_nonfinite"),
    loss: (value) => (value > 0 ? 1 : null),
    meaning: "Number of outputs that are NaN or infinite. There should be none.",
  },
];

export const MEASURES: Readonly<Record<Mode, readonly Measure[]>> = {
  sparsity: SPARSITY,
  weights: WEIGHTS,
  activations: ACTIVATIONS,
  storage: STORAGE,
};

/** The measure of a mode by its name, else the first that says something about these models. */
export function measureOf(mode: Mode, id: string | null, compares: boolean): Measure {
  const known = MEASURES[mode].filter((measure) => compares || !measure.compares);
  return known.find((measure) => measure.id === id) ?? known[0]!;
}
