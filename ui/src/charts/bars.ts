/** Where the bars of a comparison go: models by the variable on x, by color within it, by facet across charts. */

/** A value of a variable as the selection analysis gives it; null where the variable does not apply. */
export type VariableValue = string | number | boolean | null;

export interface Encoding {
  readonly x: string | null;
  readonly color: string | null;
  readonly facet: string | null;
}

export interface Variable {
  readonly name: string;
  readonly kind: string;
  readonly values: readonly VariableValue[];
}

export interface Selection {
  readonly variables: readonly Variable[];
  /** Model id to its values, in the order of the variables. */
  readonly rows: Readonly<Record<string, readonly VariableValue[]>>;
}

/** One place of a chart: every model with the same values of all encoded variables. */
export interface Cell {
  readonly facet: number;
  readonly x: number;
  readonly color: number;
  /** Models here, in the order given; more than one are replicates. */
  readonly ids: readonly string[];
}

export interface BarLayout {
  readonly facets: readonly VariableValue[];
  readonly xs: readonly VariableValue[];
  readonly colors: readonly VariableValue[];
  readonly cells: readonly Cell[];
  /** Variables that differ inside a cell although they are not encoded: the chart would put unlike models together. */
  readonly unencoded: readonly string[];
}

const NONE: readonly VariableValue[] = [null];

function positionOf(values: readonly VariableValue[], value: VariableValue): number {
  return values.findIndex((candidate) => candidate === value);
}

/** Lays out the models of a selection; the order of values is that of the variables, and only values in use appear. */
export function layoutBars(selection: Selection, encoding: Encoding, ids: readonly string[]): BarLayout {
  const index = new Map(selection.variables.map((variable, position) => [variable.name, position]));
  const valueOf = (id: string, name: string | null): VariableValue => {
    const position = name === null ? undefined : index.get(name);
    return position === undefined ? null : (selection.rows[id]?.[position] ?? null);
  };
  const known = ids.filter((id) => selection.rows[id] !== undefined);
  const inUse = (name: string | null): readonly VariableValue[] => {
    const variable = selection.variables.find((candidate) => candidate.name === name);
    if (!variable) return NONE;
    const used = new Set(known.map((id) => valueOf(id, name)));
    const declared = variable.values.filter((value) => used.has(value));
    return used.has(null) && !declared.includes(null) ? [null, ...declared] : declared;
  };
  const [facets, xs, colors] = [inUse(encoding.facet), inUse(encoding.x), inUse(encoding.color)];
  const cells = new Map<string, { facet: number; x: number; color: number; ids: string[] }>();
  for (const id of known) {
    const facet = positionOf(facets, valueOf(id, encoding.facet));
    const x = positionOf(xs, valueOf(id, encoding.x));
    const color = positionOf(colors, valueOf(id, encoding.color));
    const key = `${facet}/${x}/${color}`;
    const cell = cells.get(key);
    if (cell) cell.ids.push(id);
    else cells.set(key, { facet, x, color, ids: [id] });
  }
  const inOrder = [...cells.values()].sort((a, b) => a.facet - b.facet || a.x - b.x || a.color - b.color);
  return { facets, xs, colors, cells: inOrder, unencoded: unencodedIn(selection, inOrder) };
}

/** The variables on which models of one cell disagree. */
function unencodedIn(selection: Selection, cells: readonly Cell[]): string[] {
  return selection.variables.flatMap((variable, position) => {
    const mixed = cells.some((cell) => new Set(cell.ids.map((id) => selection.rows[id]?.[position] ?? null)).size > 1);
    return mixed ? [variable.name] : [];
  });
}

/** What replicates of one cell say together. */
export interface Summary {
  /** Mean of the finite values; null when there is none. */
  readonly mean: number | null;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Mean and range of the finite values of some models. */
export function summarize(values: readonly (number | null)[]): Summary {
  const finite = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (finite.length === 0) return { mean: null, low: NaN, high: NaN, count: 0 };
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  return { mean, low: Math.min(...finite), high: Math.max(...finite), count: finite.length };
}

/** The colors in use at each x, in order: what is not there takes no room. */
export function slotsOf(layout: BarLayout): number[][] {
  const slots = layout.xs.map(() => new Set<number>());
  for (const cell of layout.cells) slots[cell.x]?.add(cell.color);
  return slots.map((colors) => [...colors].sort((a, b) => a - b));
}

export interface BandLayout {
  readonly barWidth: number;
  readonly barStep: number;
  /** Center of the bar of a color at an x; NaN where it has no slot. */
  center(x: number, color: number): number;
}

/** Divides a width among groups of bars; bars stay between 2 and 28 pixels and each group is centered in its band. */
export function layoutBands(width: number, slots: readonly (readonly number[])[]): BandLayout {
  const band = width / Math.max(slots.length, 1);
  const most = slots.reduce((count, colors) => Math.max(count, colors.length), 1);
  const room = band * (most > 1 ? 0.82 : 0.62);
  const gap = most > 1 ? Math.min(2, (room / most) * 0.15) : 0;
  const barWidth = Math.max(2, Math.min(28, room / most - gap));
  const barStep = barWidth + gap;
  return {
    barWidth,
    barStep,
    center(x, color) {
      const colors = slots[x] ?? [];
      const slot = colors.indexOf(color);
      return slot < 0 ? Number.NaN : (x + 0.5) * band + (slot - (colors.length - 1) / 2) * barStep;
    },
  };
}

/** Beyond this many models a chart is a comb: the table says more. */
export const MOST_MODELS_IN_CHART = 30;

/** Whether a selection reads best as a chart; else it is shown as a table, and `why` says so. */
export function chartable(selection: Selection, layout: BarLayout, count: number): { ok: boolean; why: string } {
  if (selection.variables.length === 0) return { ok: count > 1, why: "" };
  if (count > MOST_MODELS_IN_CHART)
    return { ok: false, why: `More than ${MOST_MODELS_IN_CHART} models are easier to read as a table.` };
  if (layout.unencoded.length > 0) {
    return {
      ok: false,
      why: `These models also differ in ${layout.unencoded.join(", ")}, which the chart does not show.`,
    };
  }
  return { ok: true, why: "" };
}
