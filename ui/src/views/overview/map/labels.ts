/** The few words beside a model: the parameters of its step that differ within the project. */
import { stepLabels } from "@/state/steps";
import type { ModelTable } from "@/state/table";
import type { Column } from "./columns";

/** Two labels for each model: the shorter is for where the longer has no room; "" is none. */
export interface Labels {
  long: string[];
  short: string[];
}

/** What to write before each model; its operation, too, where the column's heading does not name it. */
export function mapLabels(table: ModelTable, columns: Column[]): Labels {
  const short = stepLabels(table);
  const long = [...short];
  for (const { operation, models } of columns) {
    if (operation !== null) continue;
    for (const i of models) long[i] = [table.operation[i] ?? "", short[i]].filter(Boolean).join(" ");
  }
  return { long, short };
}
