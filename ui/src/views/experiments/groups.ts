/** Operations in the order that a person looks for them. */
import type { OperationForm } from "@/api/jobs";

export interface Group {
  readonly title: string;
  readonly forms: readonly OperationForm[];
}

const TITLES: readonly (readonly [OperationForm["lowers"], string])[] = [
  ["non-zero weights", "Fewer weights"],
  ["stored bits", "Fewer bits per weight"],
  ["training loss", "Training"],
  ["", "Structure and repair"],
];

export const NEEDS: Readonly<Record<OperationForm["data"], string>> = {
  none: "Needs no data",
  calibration: "Runs the model on the task’s data",
  finetune: "Trains on the task’s data",
};

/** Groups that are not empty, by what the operations make smaller. */
export function grouped(forms: readonly OperationForm[]): Group[] {
  return TITLES.map(([lowers, title]) => ({ title, forms: forms.filter((form) => form.lowers === lowers) })).filter(
    ({ forms: some }) => some.length > 0,
  );
}
