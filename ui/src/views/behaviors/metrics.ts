/** The per-instance metrics that the server knows by name: what they are called, and how they are written. */
import type { MetricLike } from "@/format";

interface Known {
  title: string;
  format: string;
  unit?: string;
  min?: number;
  max?: number;
  /** It compares with the base already: relative to base is the same. */
  against?: boolean;
}

const FRACTION = { format: ".1%", min: 0, max: 1 };
const KNOWN: Readonly<Record<string, Known>> = {
  correct: { title: "Accuracy", ...FRACTION },
  true_probability: { title: "Probability of the label", ...FRACTION },
  base_probability: { title: "Probability of the base’s prediction", ...FRACTION },
  confidence: { title: "Confidence", ...FRACTION },
  margin: { title: "Margin", format: ".3f", min: -1, max: 1 },
  nll: { title: "Loss (NLL)", format: ".3~f", unit: "nats", min: 0 },
  kl_divergence: { title: "KL divergence", format: ".3~f", unit: "nats", min: 0, against: true },
  js_divergence: { title: "JS divergence", format: ".3~f", unit: "nats", min: 0, against: true },
  total_variation: { title: "Total variation", ...FRACTION, against: true },
  mse: { title: "Squared difference", format: "", min: 0, against: true },
  difference: { title: "Difference from base", format: "", against: true },
  absolute_difference: { title: "Absolute difference", format: "", min: 0, against: true },
  ratio: { title: "Ratio to base", format: "", min: 0, against: true },
  cosine: { title: "Cosine similarity", format: ".4f", against: true },
  error: { title: "Error", format: "" },
  absolute_error: { title: "Absolute error", format: "", min: 0 },
  squared_error: { title: "Squared error", format: "", min: 0 },
  exact_match: { title: "Exact match", ...FRACTION },
  token_f1: { title: "Word F1", ...FRACTION },
  jaccard: { title: "Overlap of labels (Jaccard)", ...FRACTION },
  label_f1: { title: "F1 of labels", ...FRACTION },
  hamming: { title: "Labels that differ (Hamming)", ...FRACTION },
  log_probability: { title: "Log-probability per token", format: ".3~f", unit: "nats", max: 0 },
  perplexity: { title: "Perplexity", format: ".3~f", min: 1 },
  edit_distance: { title: "Edit distance", ...FRACTION },
};

/** How a metric of the server is written: as the project defines it, else as it is known. */
export function metricOf(
  name: string,
  higherIsBetter: boolean | null,
  defined: readonly MetricLike[] = [],
): MetricLike {
  const known = KNOWN[name];
  const declared = known ? undefined : defined.find((metric) => metric.name === name);
  if (declared) return declared;
  return {
    name: known?.title ?? name,
    unit: known?.unit ?? "",
    format: known?.format ?? "",
    higher_is_better: higherIsBetter,
    min: known?.min ?? null,
    max: known?.max ?? null,
  };
}

export function titleOf(name: string): string {
  return KNOWN[name]?.title ?? name;
}

/** Whether a metric compares with the base by itself. */
export function isAgainstBase(name: string): boolean {
  return KNOWN[name]?.against ?? false;
}

/** Whether a value is 0 or 1 and says no more than right or wrong. */
export function isYesNo(name: string): boolean {
  return name === "correct" || name === "exact_match";
}
