import { interpolateRgbBasis } from "d3-interpolate";
import { CATEGORICAL, CHROME, OTHER, SEQUENTIAL, type Theme } from "@/styles/ramps";
import type { VariableValue } from "./bars";

/**
 * A color for each value of a variable: a ramp where all are numbers (more is further from the background), else
 * categories in Okabe and Ito's order, from the ninth on the color of "other". A lone value is neutral.
 */
export function variableColors(values: readonly VariableValue[], theme: Theme): readonly string[] {
  if (values.length < 2) return values.map(() => CHROME[theme].mark);
  const numbers = values.filter((value) => value !== null);
  if (numbers.length > 1 && numbers.every((value) => typeof value === "number")) {
    const ramp = interpolateRgbBasis([...SEQUENTIAL[theme]]);
    let next = 0;
    return values.map((value) =>
      value === null ? CHROME[theme].mark : ramp(0.1 + (0.8 * next++) / (numbers.length - 1)),
    );
  }
  return values.map((_, i) => CATEGORICAL[theme][i] ?? OTHER[theme]);
}
