/** Making a selection smaller: which models a choice of values leaves, and which choice makes the rest comparable. */
import type { Channels } from "@/state/comparing";
import type { Selection, Variable, VariableValue } from "@/charts/bars";

/** The ids whose value of a variable is (or with `keep` false, is not) the given one, in the order of `ids`. */
export function withValue(
  selection: Selection,
  ids: readonly string[],
  choice: { readonly variable: string; readonly value: VariableValue; readonly keep: boolean },
): string[] {
  const position = selection.variables.findIndex((variable) => variable.name === choice.variable);
  return ids.filter((id) => ((selection.rows[id]?.[position] ?? null) === choice.value) === choice.keep);
}

export interface Option {
  readonly variable: Variable;
  readonly value: VariableValue;
  readonly count: number;
}

/** Each variable's values with how many models have them. */
export function optionsOf(selection: Selection, ids: readonly string[]): Option[][] {
  return selection.variables.map((variable) =>
    variable.values.map((value) => ({
      variable,
      value,
      count: withValue(selection, ids, { variable: variable.name, value, keep: true }).length,
    })),
  );
}

export const NO_CHANNELS: Channels = { x: null, color: null, facet: null };

/** A person's channels, where all of them are variables of the selection; else null. */
export function ownChannels(chosen: Channels | null, selection: Selection | null): Channels | null {
  const names = new Set(selection?.variables.map((variable) => variable.name));
  const wanted = chosen ? [chosen.x, chosen.color, chosen.facet] : [];
  return wanted.every((name) => name === null || names.has(name)) ? chosen : null;
}

/** A choice of channels without doubles: a variable that is chosen for one channel leaves the other that had it. */
export function assign(chart: Channels, channel: keyof Channels, name: string | null): Channels {
  const next = { ...chart };
  for (const other of ["x", "color", "facet"] as const) {
    if (other !== channel && name !== null && next[other] === name) next[other] = chart[channel];
  }
  next[channel] = name;
  return next;
}
