import { describe, expect, it } from "vitest";
import { formatHash, parseHash, DEFAULT_VIEW } from "@/state/url";
import { DEFAULTS, readParams, writeParams, type Params } from "./params";

const FULL: Params = {
  base: "a & b",
  data: "tést",
  metric: "nll",
  relative: true,
  level: "classes",
  list: true,
  by: ["label", "stroke"],
  find: "ü <b>",
  filters: [
    { kind: "flip", model: "m", flip: "wrong_to_right" },
    { kind: "change", model: "m~1", from: 6, to: null },
    { kind: "group", value: "label 5, stroke thick" },
    { kind: "group", value: null },
    { kind: "cell", model: "m", label: true, to: "x" },
  ],
  brushes: { "m~1": [-Infinity, 0.5], other: [1e-9, Infinity] },
  changed: true,
  sort: "-nll[m]",
  order: "difference[m]",
  open: "17",
};

describe("the page's part of the address", () => {
  it("restores everything, through the address", () => {
    const hash = formatHash({ ...DEFAULT_VIEW, page: "behaviors", own: writeParams(FULL, {}) });
    expect(readParams(parseHash(hash).own)).toEqual(FULL);
  });

  it("is empty for the default, and keeps what is not its own", () => {
    expect(writeParams(DEFAULTS, {})).toEqual({});
    expect(writeParams(DEFAULTS, { depth: ["2"], base: ["old"] })).toEqual({ depth: ["2"] });
    expect(readParams({})).toEqual(DEFAULTS);
  });

  it("leaves out what it cannot read", () => {
    const filters = ["", "{", "3", "[]", '["flip"]', '["flip","m","sideways"]', '["group",{}]', '["eval","x"]'];
    const own = { if: filters, brush: ["", "1", "1~2", "x~1~m", "~1~m"], level: ["none"], rel: ["yes"] };
    expect(readParams(own)).toEqual(DEFAULTS);
  });
});
