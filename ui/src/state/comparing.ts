/** How selections, effects and the frontier are shown, as a part of the address. */

/** Names of the variables on the channels of a comparison. */
export interface Channels {
  x: string | null;
  color: string | null;
  facet: string | null;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface Comparing {
  /** A person's own channels; null for those that the analysis proposes. */
  chart: Channels | null;
  /** A table where there could be a chart. */
  asTable: boolean;
  /** All metrics, not the primary ones alone. */
  allMetrics: boolean;
  /** Order of the table; null for that of selection. */
  sort: Sort | null;
  /** The metric of the effects; null for that of the color. */
  effectsMetric: string | null;
  /** List the models of the frontier. */
  frontierList: boolean;
}

export const DEFAULT_COMPARING: Comparing = {
  chart: null,
  asTable: false,
  allMetrics: false,
  sort: null,
  effectsMetric: null,
  frontierList: false,
};

/** What `readComparing` reads. */
export const COMPARING_KEYS = ["chart", "as", "all", "order", "effect", "list"] as const;

/** Put what is not the default into a query. */
export function writeComparing(query: URLSearchParams, comparing: Comparing): void {
  const { chart, sort } = comparing;
  if (chart) query.set("chart", JSON.stringify([chart.x, chart.color, chart.facet]));
  if (comparing.asTable) query.set("as", "table");
  if (comparing.allMetrics) query.set("all", "1");
  if (sort) query.set("order", `${sort.descending ? "-" : "+"}${sort.column}`);
  if (comparing.effectsMetric !== null) query.set("effect", comparing.effectsMetric);
  if (comparing.frontierList) query.set("list", "frontier");
}

/** The inverse of `writeComparing`; whatever cannot be understood is the default. */
export function readComparing(query: URLSearchParams): Comparing {
  return {
    chart: readChannels(query.get("chart") ?? ""),
    asTable: query.get("as") === "table",
    allMetrics: query.get("all") === "1",
    sort: readSort(query.get("order") ?? ""),
    effectsMetric: query.get("effect"),
    frontierList: query.get("list") === "frontier",
  };
}

function readChannels(text: string): Channels | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || value.length !== 3) return null;
    const [x, color, facet] = value.map((name) => (typeof name === "string" ? name : null));
    return { x: x!, color: color!, facet: facet! };
  } catch {
    return null;
  }
}

function readSort(text: string): Sort | null {
  return /^[+-]./.test(text) ? { column: text.slice(1), descending: text.startsWith("-") } : null;
}
