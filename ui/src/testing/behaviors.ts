/** Answers of the server about single examples, as its interface describes them. */
import type { Answer, GroupRow, HistogramRow, Instance, Row, SummaryRow } from "@/api/behaviors";

export const DATASET = { name: "test", num_instances: 10, columns: ["id", "label"], sha256: "0" };

/** Of ten examples p50 gets three wrong that the base gets right, and one right that it gets wrong. */
export const SUMMARY: SummaryRow = {
  model: "p50",
  metric: "correct",
  count: 10,
  value: 0.7,
  base_value: 0.9,
  difference: -0.2,
  ci_low: -0.5,
  ci_high: -0.05,
  interval: "Newcombe",
  bootstrap_low: -0.5,
  bootstrap_high: -0.1,
  agreement: 0.6,
  right_to_wrong: 3,
  wrong_to_right: 1,
  wrong_to_wrong: 0,
  mcnemar_p: 0.625,
  mcnemar_p_adjusted: 0.625,
  compared: 10,
  missing: 0,
  base_missing: 0,
  nonfinite: 0,
};

export const histogram = (model: string, wrong: number): HistogramRow => ({
  model,
  low: 0,
  high: 1,
  counts: [wrong, 0, 0, 10 - wrong],
  nan: 0,
  positive_infinity: 0,
  negative_infinity: 0,
  missing: 0,
});

export const group = (name: string, change: Partial<GroupRow> = {}): GroupRow => ({
  ...SUMMARY,
  model: "p50",
  group: name,
  first: null,
  second: null,
  count: 5,
  excess: 0,
  excess_p: 1,
  hurt: false,
  ...change,
});

/** Row `k` of ten: the first three are those that p50 gets wrong. */
export function example(k: number): Row {
  return {
    id: `x${k}`,
    label: k % 2,
    "prediction[cnn]": k % 2,
    "prediction[p50]": k < 3 ? 1 - (k % 2) : k % 2,
    "correct[cnn]": 1,
    "correct[p50]": k < 3 ? 0 : 1,
    num_changed: k < 3 ? 1 : 0,
  };
}

export function behaviors(change: Partial<Answer> = {}): Answer {
  return {
    base: "cnn",
    models: ["p50"],
    metric: "correct",
    higher_is_better: true,
    meaning: "Whether the prediction is the label.",
    metrics: ["correct", "nll"],
    columns: ["id", "label", "num_changed", "prediction[cnn]", "prediction[p50]", "correct[cnn]", "correct[p50]"],
    group_columns: ["label", "prediction", "ink"],
    num_instances: 10,
    summary: [SUMMARY],
    histograms: [histogram("cnn", 1), histogram("p50", 3)],
    groups: [group("0", { hurt: true, difference: -0.4, excess: -0.2 }), group("1", { difference: 0 })],
    changes: [{ model: "p50", base_prediction: 0, prediction: 1, count: 2, rate: 0.2, rate_of_base: 0.4 }],
    pairs: null,
    confusion: [
      { label: 0, prediction: 0, base_count: 5, count: 3, change: -2 },
      { label: 0, prediction: 1, base_count: 0, count: 2, change: 2 },
    ],
    slices: [
      {
        model: "p50",
        slice: "ink < 0.2",
        columns: ["ink"],
        values: ["< 0.2"],
        count: 4,
        difference: -0.5,
        excess: -0.3,
        p: 0.001,
        p_adjusted: 0.004,
        tried: 12,
        same_as: null,
      },
    ],
    exemplars: [
      {
        id: "x0",
        label: 0,
        base_prediction: 0,
        prediction: 1,
        num_changed: 1,
        num_models: 1,
        share: 1,
      },
    ],
    calibration: [
      { model: "cnn", low: 0.8, high: 1, count: 10, confidence: 0.9, accuracy: 0.9 },
      { model: "p50", low: 0.8, high: 1, count: 10, confidence: 0.95, accuracy: 0.7 },
    ],
    calibration_errors: { cnn: 0, p50: 0.25 },
    perplexity: null,
    segmentation: null,
    instances: Array.from({ length: 10 }, (_, k) => example(k)),
    total: 10,
    ...change,
  };
}

export const INSTANCE: Instance = {
  row: example(0),
  text: "a short text",
  is_cut: false,
  has_image: false,
  has_audio: false,
  tokens: [],
  token_numbers: [],
  boxes: [],
  masks: [],
  mask_classes: [],
  probabilities: [
    { model: "cnn", class: "0", probability: 0.9 },
    { model: "cnn", class: "1", probability: 0.1 },
    { model: "p50", class: "0", probability: 0.2 },
    { model: "p50", class: "1", probability: 0.8 },
  ],
};
