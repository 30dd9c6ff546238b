/** How much of a module, or of the whole model, a sum over its tensors is about. */
import { formatCount, NBSP } from "@/format";
import { numberAt, textAt, type LayerTable } from "./table";

/** `96.2%`; never 100 or 0 for what is not all or nothing. */
function percent(share: number): string {
  if (share === 0 || share === 1) return `${share * 100}%`;
  return `${Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1)}%`;
}

/** `38 of 41 tensors, 96.2% of the weights compared` for a module of which a part is missing; "" where all is there. */
export function coveredWords(table: LayerTable, row: number, model: number): string {
  if (model === 0 || table.rows[row]!.parameter !== null) return "";
  const [all, compared, share] = (["num_tensors", "num_tensors_compared", "share_compared"] as const).map((column) =>
    numberAt(table, row, model, column),
  );
  if (all == null || compared == null || compared >= all) return "";
  const weights = share == null ? "" : `, ${percent(share)} of the weights`;
  return `${formatCount(compared)} of ${formatCount(all)}${NBSP}tensors${weights} compared`;
}

/** Whether a row is compared with what was only guessed to be its counterpart, or holds such a tensor. */
export function isGuess(table: LayerTable, row: number, model: number): boolean {
  if (table.rows[row]!.parameter !== null) return textAt(table, row, model, "alignment") === "shape";
  const { children } = table.rows[row]!;
  return children.some((child) => table.rows[child]!.parameter !== null && isGuess(table, child, model));
}

/** What is missing of the compared models as a whole, in a sentence; "" where nothing is. */
export function missingWords(table: LayerTable): string {
  const parts = table.models.flatMap((id, model) => {
    const words = coveredWords(table, 0, model);
    return words ? [table.models.length > 2 ? `${id}: ${words}` : words] : [];
  });
  const more = parts.length > 2 ? `; ${parts.length - 1} more models in part` : "";
  return parts.length > 2 ? `${parts[0]!}${more}` : parts.join("; ");
}
