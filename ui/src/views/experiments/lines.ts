/** Where a server's problem is in a recipe. */

/** The line, counted from 1, of a problem whose detail begins `Line 3, steps[0]…`; null where there is none. */
export function lineOf(detail: string): number | null {
  const found = /^Line (\d+)\b/.exec(detail);
  return found ? Number(found[1]) : null;
}

/** A recipe to begin with. */
export function example(base: string): string {
  return `base: ${JSON.stringify(base)}
steps:
  - magnitude prune: {amount: [0.5, 0.9]}
    then:
      - finetune: {epochs: 1}
  - quantize: {bits: [8, 4]}
`;
}
