/** What a selection is, in one sentence: what differs, and what all share. */
import type { Variable } from "@/charts/bars";
import { formatParameter, listWords, plural } from "@/format";
import type { SelectionAnswer } from "@/api/models";

const MOST_VALUES = 5;

function valuesOf(variable: Variable): string {
  const said = variable.values.filter((value) => value !== null).map(formatParameter);
  const none = variable.values.includes(null);
  if (said.length > MOST_VALUES) return `${said.length} values`;
  return [...(none ? ["none"] : []), ...said].join(", ");
}

/** `amount (0.5, 0.75, 0.9)`, or `whether train 2 was applied`. */
export function variableWords(variable: Variable): string {
  if (variable.kind === "presence") return `whether ${variable.name} was applied`;
  return `${variable.name} (${valuesOf(variable)})`;
}

/** `6 models differ in amount (0.5, 0.75, 0.9) and whether train 2 was applied.` */
export function differSentence(answer: SelectionAnswer, count: number): string {
  if (answer.variables.length === 0) {
    return `These ${plural(count, "model")} were made the same way: they are replicates.`;
  }
  return `${plural(count, "model")} differ in ${listWords((answer.variables as Variable[]).map(variableWords))}.`;
}

export interface Constant {
  readonly name: string;
  readonly value: unknown;
}

/** What all share, in few words: `resnet50trained, train · epochs 90`. */
export function constantWords(constant: readonly unknown[]): string[] {
  return constant.flatMap((item) => {
    if (typeof item === "string") return [item];
    if (typeof item !== "object" || item === null || !("name" in item)) return [];
    const { name, value } = item as Constant;
    if (name === "root") return [formatParameter(value)];
    return [value === true || value === undefined ? name : `${name} ${formatParameter(value)}`];
  });
}
