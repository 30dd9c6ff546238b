/** Spectra as lines, and how much of them matters. */
import type { Spectrum } from "@/api/tensors";
import { told } from "@/api/tensors";

export interface Line {
  readonly model: string;
  readonly values: readonly number[];
  /** How many of the leading values hold 99% of the energy. */
  readonly needed: number;
}

export const ENERGY = 0.99;

/** How many leading values hold a share of the sum, at least one. */
export function needed(energies: readonly number[], share = ENERGY): number {
  const total = energies.reduce((sum, value) => sum + value, 0);
  let held = 0;
  for (let k = 0; k < energies.length; k++) {
    held += energies[k]!;
    if (held >= share * total - 1e-9 * total) return k + 1;
  }
  return Math.max(1, energies.length);
}

export function singularLines(spectra: readonly Spectrum[]): Line[] {
  return spectra.flatMap(({ model, singular_values }) => {
    const values = singular_values?.map(told);
    return values ? [{ model, values, needed: needed(values.map((value) => value * value)) }] : [];
  });
}

export function eigenLines(spectra: readonly Spectrum[]): Line[] {
  return spectra.flatMap(({ model, eigenvalues }) => {
    const values = eigenvalues?.map(told);
    return values ? [{ model, values, needed: needed(values) }] : [];
  });
}

/** From the largest value of all lines down to the smallest that is not lost in rounding. */
export function spectrumDomain(lines: readonly Line[], least = 1e-6): [number, number] {
  const most = Math.max(...lines.flatMap(({ values }) => values.slice(0, 1)), 0);
  const positive = lines.flatMap(({ values }) => values.filter((value) => value > least * most));
  return most > 0 ? [Math.min(...positive) * 0.9, most * 1.1] : [0.1, 1];
}

/** The path of a line through its positive values. */
export function spectrumPath(
  values: readonly number[],
  toX: (k: number) => number,
  toY: (value: number) => number,
): string {
  const points = values.flatMap((value, k) => (value > 0 ? [`${toX(k).toFixed(1)},${toY(value).toFixed(1)}`] : []));
  return points.length ? `M${points.join("L")}` : "";
}
