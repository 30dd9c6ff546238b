import { describe, expect, it } from "vitest";
import { DEFAULT_VIEW, formatHash, keepEqual, parseHash, type ViewState } from "./url";

const FULL: ViewState = {
  page: "overview",
  selection: ["a&b=c", "ü #?%", "👩‍🔬", "a b"],
  color: "Top-1 Accuracy",
  clamp: 0.825,
  size: "",
  x: "Model Size",
  y: "m~1",
  logX: true,
  logY: true,
  arrangement: "step",
  byId: true,
  collapsed: ["x"],
  zoom: [120.5, 8.25, 3.5, -0.75],
  within: [-1e-7, 2e9, 0.25, 0.5],
  filters: {
    metrics: { "a~b": [-1.5, 2e-7], n: [-Infinity, 3] },
    operations: ["prune", "quantize"],
    parameters: { "prune.amount": ["0.5", "a,b"] },
    tags: ["good", "bad tag"],
    ids: ["one", "two"],
    where: "Size < 3 kB",
    search: "résnet 50",
  },
  tab: "filters",
  comparing: { chart: null, asTable: true, allMetrics: false, sort: null, effectsMetric: "m", frontierList: true },
  own: { base: ["ü & b"], brush: ["0~1~m", "2~3~n"] },
};

describe("the address", () => {
  it("restores everything", () => {
    expect(parseHash(formatHash(FULL))).toEqual(FULL);
  });

  it("keeps the parts that another address does not change", () => {
    const open: ViewState = { ...FULL, filters: { ...FULL.filters, metrics: { n: [-Infinity, Infinity] } } };
    const next = keepEqual(FULL, { ...structuredClone(open), selection: ["a"] });
    expect(next).toEqual({ ...open, selection: ["a"] });
    expect(next.own).toBe(FULL.own);
    expect(next.zoom).toBe(FULL.zoom);
    expect(next.filters).not.toBe(FULL.filters);
    expect(keepEqual(open, structuredClone(open)).filters).toBe(open.filters);
  });

  it("is short for the default", () => {
    expect(formatHash(DEFAULT_VIEW)).toBe("#/overview");
    expect(parseHash("")).toEqual(DEFAULT_VIEW);
    expect(parseHash("#/overview")).toEqual(DEFAULT_VIEW);
  });

  it("takes the default for what it cannot read", () => {
    const view = parseHash(
      "#/overview?by=sideways&clamp&tab=nonsense&keep=1~x~m&keep=&par=%7B&only=3&zoom=1~2~x~4&within=1~2~3&sel=a&sel=a",
    );
    expect(view).toEqual({ ...DEFAULT_VIEW, selection: ["a"] });
    expect(parseHash("#/%E0%A4%A").page).toBe("overview");
  });

  it("tells no metric from the default one, and no model from any", () => {
    expect(parseHash(formatHash({ ...DEFAULT_VIEW, color: "" })).color).toBe("");
    const filters = { ...DEFAULT_VIEW.filters, ids: [] };
    expect(parseHash(formatHash({ ...DEFAULT_VIEW, filters })).filters.ids).toEqual([]);
  });
});
