/** The rows of the reality check: what a model claims, what is stored, and what it costs when it runs. */
import type { RealityRow } from "@/api/reality";
import { formatBytes, formatCount, formatValue, listWords, SAME_TIME } from "@/format";

export interface Line {
  readonly part: "Claimed" | "Stored" | "Effective";
  readonly name: string;
  readonly value: string | null;
  /** Against the root: `6.0× smaller`, `same`, `7.1× slower`; empty for a root. */
  readonly change: string;
  readonly goodness: "good" | "bad" | "neutral";
  readonly title: string;
}

const PLAIN = { name: "", higher_is_better: null, min: null, max: null };
const SECONDS = { ...PLAIN, format: ".3s", unit: "s" };
const SHARE = { ...PLAIN, format: ".0%", unit: "" };
const MEANING = {
  zeros: "Share of zeros among the weights, that is tensors of two or more dimensions.",
  "bits per weight": "Nominal bits per weight of the scheme, mean over all weights.",
  packed: "Packed size: the bytes that the scheme implies for codes, scales, codebooks and bit maps.",
  file: "Size of the checkpoint file, header included.",
  gzipped: "Size of the weights after gzip at level 6.",
  MACs: "Dense multiply-accumulates of one forward pass; zeros are not skipped.",
  "peak memory": "Weights, input and the operators’ outputs in use at the worst moment of a forward pass.",
};
/** Within this factor a file or a number of operations is the same. */
const SAME_SIZE = 1.05;

type Than = Pick<Line, "change" | "goodness">;
const NONE: Than = { change: "", goodness: "neutral" };

/** A factor in words: above 1 is better. */
export function against(ratio: number | null, better: string, worse: string, same: number): Than {
  if (ratio === null || ratio <= 0) return { change: "", goodness: "neutral" };
  if (ratio < same && ratio > 1 / same) return { change: "same", goodness: "neutral" };
  const factor = ratio > 1 ? ratio : 1 / ratio;
  const text = `${factor < 10 ? factor.toFixed(1) : Math.round(factor)}×`;
  return ratio > 1
    ? { change: `${text} ${better}`, goodness: "good" }
    : { change: `${text} ${worse}`, goodness: "bad" };
}

export function lines(row: RealityRow): Line[] {
  const isRoot = row.model === row.root;
  const size = (ratio: number | null) => against(isRoot ? null : ratio, "smaller", "larger", SAME_SIZE);
  const time = (ratio: number | null) => against(isRoot ? null : ratio, "faster", "slower", SAME_TIME);
  const macs = row.macs === null ? null : formatCount(row.macs);
  const bytes = (value: number | null) => (value === null ? null : formatBytes(value));
  const bits = row.bits === null ? null : String(Number(row.bits.toFixed(2)));
  const made = (part: Line["part"], name: keyof typeof MEANING, value: string | null, than: Than = NONE): Line => ({
    part,
    name,
    value,
    ...than,
    title: MEANING[name],
  });
  return [
    made("Claimed", "zeros", share(row.sparsity)),
    made("Claimed", "bits per weight", bits),
    made("Claimed", "packed", bytes(row.packed_bytes), size(row.packed_ratio)),
    made("Stored", "file", bytes(row.stored_bytes), size(row.stored_ratio)),
    made("Stored", "gzipped", bytes(row.gzip_bytes)),
    made("Effective", "MACs", macs, against(isRoot ? null : row.macs_ratio, "fewer", "more", SAME_SIZE)),
    made("Effective", "peak memory", bytes(row.peak_memory_bytes)),
    {
      part: "Effective",
      name: "PyTorch",
      value: seconds(row.latency_s, row.latency_iqr_s),
      ...time(row.latency_ratio),
      title: timed(row.latency_device, row.integer_products),
    },
    {
      part: "Effective",
      name: "ONNX Runtime",
      value: seconds(row.onnx_latency_s, row.onnx_latency_iqr_s),
      ...time(row.onnx_latency_ratio),
      title: timed(row.onnx_latency_device, row.onnx_integer_products),
    },
  ];
}

/** What each cause is about; all others are about the time. */
const ABOUT: Readonly<Record<string, string>> = {
  zeros_stored: "file size",
  codes_stored_as_floats: "file size",
  embedding_dominates: "packed size",
  dense_rest_dominates: "packed size",
  claim_not_found: "the weights",
  part_missing: "the weights",
};

/** Whether the cost is as claimed, and of what it is not: `file size and time not as claimed`. */
export function verdictWords({ agrees, causes }: Pick<RealityRow, "agrees" | "causes">): string {
  if (agrees) return "as claimed";
  const what = [...new Set(causes.map((cause) => ABOUT[cause] ?? "time"))];
  return [listWords(what), "not as claimed"].filter(Boolean).join(" ");
}

/** Why claim and cost differ, without the claim itself, which stands above it. */
export function reasonAfter({ claim, reason }: Pick<RealityRow, "claim" | "reason">): string {
  return (reason.startsWith(claim) ? reason.slice(claim.length) : reason).trim();
}

function share(value: number | null): string | null {
  return value === null ? null : formatValue(SHARE, value);
}

function seconds(median: number | null, spread: number | null): string | null {
  if (median === null) return null;
  return formatValue(SECONDS, median) + (spread === null ? "" : ` (IQR ${formatValue(SECONDS, spread)})`);
}

function timed(device: string | null, integers: number | null): string {
  const kernels =
    integers === null ? "" : ` ${share(integers)} of the matrix products and convolutions run on integers.`;
  return `Median time of a forward pass, with the interquartile range${device ? `: ${device}` : ""}.${kernels}`;
}
