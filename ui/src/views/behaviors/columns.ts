/** Which columns the list of instances has, from the names that the server gives. */
import type { Comparison } from "@/api/behaviors";
import { isYesNo } from "./metrics";

export interface Layout {
  image: boolean;
  label: boolean;
  text: boolean;
  /** Whether models predict something; vectors or tokens alone can be compared too. */
  predictions: boolean;
  /** Base and models. */
  models: readonly string[];
  /** The number beside a prediction: its column's name before the model; null where the prediction says it all. */
  number: "metric" | "difference" | null;
  metadata: readonly string[];
  changed: boolean;
  /** Widths for a grid, in the order: image, id, label, text, models, changed, metadata. */
  template: string;
  width: number;
}

/** Classes are short; what is written is not. */
const WRITTEN = { label: 150, prediction: 150 };
const WIDTHS = { image: 44, id: 84, label: 72, text: 320, prediction: 92, number: 108, changed: 80, metadata: 92 };

export function layoutColumns(
  answer: Comparison & { metric: string; columns: readonly string[] },
  hasImage: boolean,
  relative: boolean,
): Layout {
  const models = [answer.base, ...answer.models];
  const first = answer.columns.findIndex((name) => name.endsWith(`[${answer.base}]`));
  const own = first < 0 ? answer.columns : answer.columns.slice(0, first);
  const number = isYesNo(answer.metric) ? null : relative ? "difference" : "metric";
  const layout = {
    image: hasImage,
    label: own.includes("label"),
    text: own.includes("text"),
    models,
    predictions: answer.columns.includes(`prediction[${answer.base}]`),
    number: number as Layout["number"],
    metadata: own.filter((name) => !["id", "label", "text"].includes(name)),
    changed: answer.columns.includes("num_changed"),
  };
  const widths = layout.text ? { ...WIDTHS, ...WRITTEN } : WIDTHS;
  const wide = models.map(
    (_, k) =>
      (layout.predictions ? widths.prediction : 12) +
      (number && !(k === 0 && number === "difference") ? WIDTHS.number : 40),
  );
  const before = [
    ...(layout.image ? [WIDTHS.image] : []),
    WIDTHS.id,
    ...(layout.label ? [widths.label] : []),
    ...(layout.text ? [WIDTHS.text] : []),
  ];
  const after = [...(layout.changed ? [WIDTHS.changed] : []), ...layout.metadata.map(() => WIDTHS.metadata)];
  const fixed = (width: number): string => `${width}px`;
  const template = [
    ...before.map(fixed),
    ...wide.map((width) => `minmax(${width}px, ${1.5 * width}px)`),
    ...after.map(fixed),
  ];
  return { ...layout, template: template.join(" "), width: [...before, ...wide, ...after].reduce((a, b) => a + b, 0) };
}

/** The column that a click on a model's heading sorts by. */
export function sortColumn(layout: Layout, metric: string, model: string): string {
  if (layout.number === null) return `${metric}[${model}]`;
  return layout.number === "difference" && model !== layout.models[0] ? `difference[${model}]` : `${metric}[${model}]`;
}

/** The next sort when a heading is clicked: one direction, the other, none. */
export function nextSort(sort: string | null, column: string, descendingFirst: boolean): string | null {
  const [down, up] = [`-${column}`, column];
  const [one, two] = descendingFirst ? [down, up] : [up, down];
  return sort === one ? two : sort === two ? null : one;
}

type Sorted = "ascending" | "descending" | "none";

/** Which way rows are in the order of a column. */
export function sortedBy(sort: string | null, column: string): Sorted {
  return sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
}

export const ARROWS: Readonly<Record<Sorted, string>> = { ascending: " ↑", descending: " ↓", none: "" };
