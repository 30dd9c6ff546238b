/** What a cell says in words. */
import { formatCount, formatValue, MISSING, plain } from "@/format";
import { coveredWords, isGuess } from "./covered";
import type { Measure } from "./measures";
import { listAt, numberAt, pathOf, textAt, type LayerTable } from "./table";

export const BANDS = ["less than 20%", "20–40%", "40–60%", "60–80%", "80–100%", "more than 100%"];
export const ZEROS = ["zero in both", "zero here only", "zero in the base only"];

/** Why a cell has no numbers to compare, or "" where it has. */
export function apart(table: LayerTable, row: number, model: number): string {
  if (!table.has(row, model)) return "not in this model";
  if (table.what !== "activations" && !numberAt(table, row, model, "num_parameters")) return "no counterpart";
  const alignment = textAt(table, row, model, "alignment");
  if (alignment === "model only") return "only here";
  return alignment === "resized" ? "resized" : "";
}

/** How a tensor was matched with the base's, where that is not simply by its name. */
export function matched(table: LayerTable, row: number, model: number): string {
  const counterpart = textAt(table, row, model, "counterpart");
  switch (textAt(table, row, model, "alignment")) {
    case "shape":
      return `Its counterpart in this model is ${counterpart}, matched by shape.`;
    case "chosen":
      return `Its counterpart in this model is ${counterpart}, chosen by hand.`;
    case "kept":
      return "It is compared with the base's channels that are left.";
    case "product":
      return "Two factors stand in its place; their product is compared.";
    case "fused":
      return "The norm after it is folded in; it is compared with the base's layer and norm together.";
    case "resized":
      return "It has another shape than in the base, so its numbers cannot be compared.";
    case "model only":
      return "The base has no counterpart.";
    case "base only":
      return "This model has no counterpart.";
    default:
      return "";
  }
}

/** How tensors are stored, in few words: `4-bit palettized`, `int8 per 128`; "mixed" where they differ. */
export function storedAs(table: LayerTable, row: number, model: number): string {
  const [dtype, scheme] = [textAt(table, row, model, "dtype"), textAt(table, row, model, "scheme")];
  const bits = numberAt(table, row, model, "bits");
  const group = numberAt(table, row, model, "group_size");
  if (scheme === null) return "mixed";
  if (scheme === "dense") return dtype ?? "dense";
  return `${bits === null ? "" : `${bits}-bit `}${scheme}${group === null ? "" : ` per ${group}`}`;
}

/** The same for a narrow column: `fp32`, `int4 /128`, `2-bit LUT`. */
export function storedShort(table: LayerTable, row: number, model: number): string {
  const bits = numberAt(table, row, model, "bits");
  const group = numberAt(table, row, model, "group_size");
  const per = group === null ? "" : ` /${group}`;
  switch (textAt(table, row, model, "scheme")) {
    case "quantized":
      return `int${bits ?? ""}${per}`;
    case "palettized":
      return `${bits ?? ""}-bit LUT${per}`;
    default:
      return storedAs(table, row, model).replace(/^b?float/, (word) => (word === "float" ? "fp" : "bf"));
  }
}

/** Everything about a cell in a sentence, for a tooltip and for screen readers. */
export function cellWords(table: LayerTable, row: number, model: number, measure: Measure): string {
  const why = apart(table, row, model);
  const lines = [`${pathOf(table.rows[row]!)} in ${table.models[model]!}`];
  if (why === "not in this model" || why === "no counterpart") return `${lines[0]}: ${why}`;
  const compared = measure.compares && model === 0 ? null : measure.read(table, row, model);
  if (compared !== null) lines.push(`${measure.name} ${formatValue(measure, compared)}`);
  const count = numberAt(table, row, model, "num_parameters") ?? 0;
  if (table.what === "sparsity") {
    const parts = (["zero_both", "zero_model_only", "zero_base_only"] as const).map((name) =>
      numberAt(table, row, model, name),
    );
    parts.forEach((part, k) => part !== null && model > 0 && lines.push(`${formatCount(part)} ${ZEROS[k]!}`));
    if (model === 0) lines.push(`${formatCount(numberAt(table, row, model, "num_zeros") ?? 0)} zero`);
  } else if (table.what === "weights") {
    const [low, high] = (["histogram_low", "histogram_high"] as const).map((name) => numberAt(table, row, model, name));
    if (low != null && high != null)
      lines.push(`Histogram from ${plain(low)} to ${plain(high)}, heights as square roots`);
    const bands = listAt(table, row, model, "change_bands");
    if (bands && model > 0) {
      const said = Array.from(bands, (part, k) => (part > 0 ? `${formatCount(part)} by ${BANDS[k]!}` : ""));
      lines.push(`Changed: ${said.filter(Boolean).join(", ")}`);
    }
  } else if (table.what === "activations") {
    const [local, all] = (["local_relative_error", "relative_error"] as const).map((name) =>
      numberAt(table, row, model, name),
    );
    if (local != null && model > 0) {
      lines.push(`Error added here ${plain(local)}, error so far ${all == null ? MISSING : plain(all)}`);
    }
  } else lines.push(storedAs(table, row, model));
  lines.push(`of ${formatCount(count)} weights`, coveredWords(table, row, model), matched(table, row, model));
  if (table.rows[row]!.parameter === null && isGuess(table, row, model)) {
    lines.push("Some of it is compared with tensors that were matched by shape alone, which is a guess.");
  }
  return lines.filter(Boolean).join("\n");
}
