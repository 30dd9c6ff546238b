/** The space of a search, made of operations and values of their parameters, as a recipe. */

/** One operation with the values of one parameter that are tried. */
export interface SpaceStep {
  readonly operation: string;
  readonly parameter: string;
  /** As they are typed: `0.5, 0.7, 0.9`. */
  readonly values: string;
}

/** The values that were typed, as YAML writes them; numbers and truth values stay what they are. */
export function valuesOf(text: string): string[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts.filter(Boolean).map((part) => (isPlain(part) ? part : JSON.stringify(part)));
}

const isPlain = (part: string): boolean => part === "true" || part === "false" || Number.isFinite(Number(part));

/** Whether a step says what to try. */
export const isWhole = ({ operation, parameter, values }: SpaceStep): boolean =>
  operation !== "" && (parameter === "" || valuesOf(values).length > 0);

/** How many ways there are: each step is left out or done with one of its values, in their order. */
export function countOf(steps: readonly SpaceStep[]): number {
  const ways = steps.filter(isWhole).map(({ parameter, values }) => 1 + (parameter ? valuesOf(values).length : 1));
  return ways.reduce((product, count) => product * count, 1) - 1;
}

/** A recipe whose models are all these ways, from one base. */
export function recipeOf(base: string, steps: readonly SpaceStep[]): string {
  const lines = linesOf(steps.filter(isWhole), "  ");
  return [`base: ${JSON.stringify(base)}`, lines.length ? "steps:" : "steps: []", ...lines, ""].join("\n");
}

function linesOf(steps: readonly SpaceStep[], indent: string): string[] {
  return steps.flatMap(({ operation, parameter, values }, k) => {
    const name = JSON.stringify(operation);
    const first = parameter ? `${name}: {${JSON.stringify(parameter)}: [${valuesOf(values).join(", ")}]}` : name;
    const rest = linesOf(steps.slice(k + 1), `${indent}    `);
    const head = parameter || rest.length === 0 ? first : `${name}: {}`;
    return [`${indent}- ${head}`, ...(rest.length ? [`${indent}  then:`, ...rest] : [])];
  });
}
