/** What columns are called. */
import { plural } from "@/format";
import type { ModelTable } from "@/state/table";
import type { Column } from "./columns";

/** The operation of each column; for one of several their number, for one without any "original". */
export function columnNames(table: ModelTable, columns: readonly Column[]): string[] {
  return columns.map(({ operation, models }) => {
    if (operation !== null) return operation;
    const operations = new Set(models.map((i) => table.operation[i]));
    return operations.size > 1 ? plural(operations.size, "operation") : "original";
  });
}
