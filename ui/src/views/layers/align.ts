/** Tensors of a model that a tensor of the base could be compared with by hand. */
import { numberAt, pathOf, textAt, type LayerTable } from "./table";

/** Names of those that only the model has and that have as many numbers; none where the tensor has a counterpart. */
export function candidates(table: LayerTable, row: number, model: number): string[] {
  const one = table.rows[row];
  if (!one || one.parameter === null || textAt(table, row, model, "alignment") !== "base only") return [];
  return table.rows.flatMap((other, place) =>
    textAt(table, place, model, "alignment") === "model only" &&
    numberAt(table, place, model, "num_parameters") === one.numParameters
      ? [pathOf(other)]
      : [],
  );
}
