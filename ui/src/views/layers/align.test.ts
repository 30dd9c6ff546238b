import type { LayerColumn } from "@/api/layers";
import { describe, expect, it } from "vitest";
import { candidates } from "./align";
import { firstOf, OUTPUTS, WEIGHTS } from "./channels";
import { buildLayers } from "./table";

const COLUMNS: [LayerColumn, (string | number | number[] | null)[]][] = [
  ["module", ["", "", "fc", "fc", "fc", "fc", "head", "head", "head"]],
  ["parameter", [null, null, null, null, "w", "w", null, "m", "b"]],
  ["model", ["base", "a", "base", "a", "base", "a", "a", "a", "a"]],
  ["num_parameters", [4, 10, 4, 0, 4, 0, 6, 4, 2]],
  ["alignment", [null, null, null, null, "name", "base only", null, "model only", "model only"]],
  ["worst_channels", [null, [7, 1], null, null, null, [], null, null, null]],
  ["worst_channel_shares", [null, [0.5, 0.25], null, null, null, [], null, null, null]],
  ["outlier_channels", [null, [3], null, null, null, [], null, null, null]],
  ["channel_norm_min", [0.5, 0, null, null, 2, null, null, null, null]],
  ["channel_norm_max", [1.5, 1.25, null, null, 2, null, null, null, null]],
  ["channel_norm_change", [0, 1, null, null, null, null, null, null, null]],
  ["most_changed_channel", [0, 6, null, null, null, null, null, null, null]],
];
const TABLE = buildLayers({ what: "weights", models: ["base", "a"], count: 9, columns: new Map(COLUMNS) }, "base");

describe("alignment by hand", () => {
  it("offers what has no counterpart either and as many numbers", () => {
    const tensor = TABLE.indexOf.get("fc\0w")!;
    expect(candidates(TABLE, tensor, 1)).toEqual(["head.m"]);
    expect(candidates(TABLE, tensor, 0)).toEqual([]);
    expect(candidates(TABLE, 0, 1)).toEqual([]);
  });
});

describe("channels that stand out", () => {
  it("are named with their shares, or said to be none", () => {
    const [worst, outliers] = OUTPUTS;
    expect(worst!.words(TABLE, 0, 1)).toBe("7 (50%), 1 (25%)");
    expect(outliers!.words(TABLE, 0, 1)).toBe("3");
    expect(worst!.words(TABLE, TABLE.indexOf.get("fc\0w")!, 1)).toBe("none");
    expect(worst!.words(TABLE, 0, 0)).toBe("—");
    expect([firstOf("7 (50%), 1 (25%)"), firstOf("none")]).toEqual(["7 (50%), …", "none"]);
  });

  it("of weights by their norms", () => {
    const [norms, changed] = WEIGHTS;
    const tensor = TABLE.indexOf.get("fc\0w")!;
    expect([norms!.words(TABLE, 0, 0), norms!.words(TABLE, 0, 1)]).toEqual(["0.5–1.5", "0–1.25"]);
    expect([norms!.words(TABLE, tensor, 0), norms!.words(TABLE, tensor, 1)]).toEqual(["2", "—"]);
    expect([changed!.words(TABLE, 0, 0), changed!.words(TABLE, 0, 1)]).toEqual(["—", "6"]);
  });
});
