/** What a selection is, in one sentence: what differs, and what all share. */
import type { Variable } from "@/charts/bars";
import { formatParameter, isolate, listWords, plural } from "@/format";
import type { SelectionAnswer } from "@/api/models";

/** `amount`, or `whether train 2 was applied`; the values are in the legend. */
export function variableWords(variable: Variable): string {
  const name = isolate(variable.name);
  return variable.kind === "presence" ? `whether ${name} was applied` : name;
}

/** `6 models differ in amount and whether train 2 was applied.` */
export function differSentence(answer: SelectionAnswer, count: number): string {
  if (answer.variables.length === 0) {
    return `These ${plural(count, "model")} were made in the same way: they are replicates.`;
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
    return [value === true || value === undefined ? isolate(name) : `${isolate(name)} ${formatParameter(value)}`];
  });
}
