import { describe, expect, it } from "vitest";
import type { LayerColumn, LayerColumns, LayerValue } from "@/api/layers";
import { apart, cellWords, storedShort } from "./cells";
import { coveredWords, isGuess } from "./covered";
import { toCsv } from "./csv";
import { measureOf } from "./measures";
import { DEFAULTS, readParams, writeParams, type Params } from "./params";
import { groupsOf, linePath, profileDomain, profileValues } from "./profile";
import { easyDepth, findText, shownRows, type Wanted } from "./rows";
import { histogramPath, stack } from "./shapes";
import { buildLayers, keyOf, pathOf, type LayerTable } from "./table";
import { sentence, worstLayers } from "./worst";

type Row = [module: string, parameter: string | null, cells: (Record<string, LayerValue> | null)[]];

/** A table as the server sends it: rows of each model one after another, null for a row that a model lacks. */
function answer(models: string[], rows: Row[], what: LayerColumns["what"] = "weights"): LayerColumns {
  const flat = rows.flatMap(([module, parameter, cells]) =>
    cells.flatMap((cell, k) => (cell ? [{ module, parameter, model: models[k]!, num_parameters: 10, ...cell }] : [])),
  );
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const column = (name: string): LayerValue[] =>
    flat.map((row) => ((row as Record<string, LayerValue>)[name] ?? null) as LayerValue);
  return {
    what,
    models,
    count: flat.length,
    columns: new Map(names.map((name) => [name as LayerColumn, column(name)])),
  };
}

const sqnr = (...values: (number | null)[]): (Record<string, LayerValue> | null)[] => [
  { sqnr_db: Infinity },
  ...values.map((value) => ({ sqnr_db: value })),
];

const TABLE: LayerTable = buildLayers(
  answer(
    ["base", "a", "b"],
    [
      ["", null, sqnr(9, 19)],
      ["block", null, sqnr(8, 20)],
      ["block.conv", null, sqnr(8, 20)],
      ["block.conv", "weight", sqnr(8, 20)],
      ["block.norm", null, sqnr(Infinity, 2)],
      ["block.norm", "weight", sqnr(Infinity, 2)],
      ["head", null, sqnr(3, 25)],
      ["head", "weight", sqnr(3, 25)],
      ["head", "bias", [{}, { sqnr_db: null }, null]],
    ],
  ),
  "base",
);
const SQNR = measureOf("weights", null, true);
const WANTED: Wanted = { flat: false, depth: 9, open: new Set(), sort: null, measure: SQNR, found: null };
const names = (rows: readonly number[]): string[] => rows.map((row) => pathOf(TABLE.rows[row]!));

describe("the table", () => {
  it("is a tree in the order of execution", () => {
    expect(TABLE.rows.map((row) => row.depth)).toEqual([0, 1, 2, 3, 2, 3, 1, 2, 2]);
    expect(names(TABLE.layers)).toEqual(["block.conv", "block.norm", "head"]);
    expect(TABLE.deepest).toBe(2);
    expect(TABLE.has(TABLE.indexOf.get(keyOf("head", "bias"))!, 2)).toBe(false);
  });
  it("says what has no counterpart", () => {
    const bias = TABLE.indexOf.get(keyOf("head", "bias"))!;
    expect([apart(TABLE, bias, 1), apart(TABLE, bias, 2)]).toEqual(["", "not in this model"]);
    const other = buildLayers(
      answer(
        ["base", "a"],
        [
          ["", null, [{}, {}]],
          ["x", null, [{}, { num_parameters: 0 }]],
          ["x", "weight", [{}, { num_parameters: 0, alignment: "base only" }]],
          ["y", null, [null, {}]],
          ["y", "weight", [null, { alignment: "model only" }]],
        ],
      ),
      "base",
    );
    expect([2, 4].map((row) => apart(other, row, 1))).toEqual(["no counterpart", "only here"]);
  });
  it("names how tensors are stored", () => {
    const cells: Record<string, LayerValue>[] = [
      { scheme: "dense", dtype: "float32", bits: 32 },
      { scheme: "dense", dtype: "bfloat16", bits: 16 },
      { scheme: "quantized", dtype: "float32", bits: 4, group_size: 128 },
      { scheme: "palettized", dtype: "float32", bits: 2 },
      { scheme: null, dtype: "float32" },
    ];
    const stored = buildLayers(answer(["a", "b", "c", "d", "e"], [["", null, cells]], "storage"), "a");
    expect(cells.map((_, k) => storedShort(stored, 0, k))).toEqual(["fp32", "bf16", "int4 /128", "2-bit LUT", "mixed"]);
  });
});

describe("the rows", () => {
  it("open to a depth, tensors only beyond all modules", () => {
    expect(names(shownRows(TABLE, { ...WANTED, depth: 1 }))).toEqual(["All layers", "block", "head"]);
    expect(names(shownRows(TABLE, { ...WANTED, depth: 2 }))).toEqual([
      "All layers",
      "block",
      "block.conv",
      "block.norm",
      "head",
    ]);
    expect(shownRows(TABLE, WANTED)).toHaveLength(9);
    expect(easyDepth(TABLE)).toBe(2);
  });
  it("open and close one by one", () => {
    const open = new Set(["block", "head"]);
    expect(names(shownRows(TABLE, { ...WANTED, depth: 2, open }))).toEqual([
      "All layers",
      "block",
      "head",
      "head.weight",
      "head.bias",
    ]);
  });
  it("are sorted among their siblings, what is missing last in either direction", () => {
    const sort = { column: "model:a", descending: false };
    expect(names(shownRows(TABLE, { ...WANTED, depth: 2, sort }))).toEqual([
      "All layers",
      "head",
      "block",
      "block.conv",
      "block.norm",
    ]);
    const down = { ...WANTED, open: new Set<string>(), sort: { column: "model:a", descending: true } };
    expect(names(shownRows(TABLE, down)).slice(-2)).toEqual(["head.weight", "head.bias"]);
  });
  it("are a list of layers", () => {
    const flat = { ...WANTED, flat: true };
    expect(names(shownRows(TABLE, { ...flat, sort: { column: "model:b", descending: false } }))).toEqual([
      "block.norm",
      "block.conv",
      "head",
    ]);
    expect(names(shownRows(TABLE, { ...flat, found: findText(TABLE, "BIAS") }))).toEqual(["head.bias"]);
  });
  it("lead to what is found", () => {
    const found = findText(TABLE, "norm.w");
    expect(names(shownRows(TABLE, { ...WANTED, depth: 0, found }))).toEqual([
      "All layers",
      "block",
      "block.norm",
      "block.norm.weight",
    ]);
    expect(shownRows(TABLE, { ...WANTED, found: new Set() })).toEqual([]);
  });
});

describe("what changed most", () => {
  it("is the worst finite value of each model, worst first", () => {
    expect(
      worstLayers(TABLE, TABLE.layers, SQNR).map(({ row, model, value }) => [names([row])[0], model, value]),
    ).toEqual([
      ["block.norm", 2, 2],
      ["head", 1, 3],
    ]);
    expect(sentence(TABLE, TABLE.layers, SQNR).replaceAll("\u00a0", " ")).toBe(
      "block.norm changed most in b against base: SQNR 2.0 dB",
    );
  });
  const told = (rows: Row[], what?: LayerColumns["what"], id = "sqnr_db"): string => {
    const found = buildLayers(answer(["base", "a"], rows, what), "base");
    return sentence(found, found.layers, measureOf(found.what, id, true)).replaceAll("\u00a0", " ");
  };
  it("calls none of equal changes the largest", () => {
    const rows: Row[] = ["one", "two", "three", "four"].map((module) => [
      module,
      null,
      sqnr(module === "four" ? 20 : 3),
    ]);
    expect(told([["", null, sqnr(5)], ...rows])).toBe("one, two and three changed most in a against base, and tie");
    const five = [...rows, ["five", null, sqnr(3)] as Row];
    expect(told([["", null, sqnr(5)], ...five])).toBe("one, two and 2 more changed most in a against base, and tie");
  });
  it("blames the layer that adds error, not the one that error reaches", () => {
    const outputs = (local: number, all: number): (Record<string, LayerValue> | null)[] => [
      {},
      { local_relative_error: local, relative_error: all },
    ];
    const rows: Row[] = [
      ["", null, [{}, {}]],
      ["first", null, outputs(0.5, 0.5)],
      ["repaired", null, outputs(0.01, 0.9)],
    ];
    for (const id of ["relative_error", "local_relative_error"]) {
      expect(told(rows, "activations", id)).toBe("first adds most error in a against base: Error added here 50%");
    }
  });
  it("says what was not compared instead of that nothing differs", () => {
    const part = { num_tensors: 41, num_tensors_compared: 38, share_compared: 0.962 };
    const whole = { num_tensors: 2, num_tensors_compared: 2, share_compared: 1 };
    const rows = (covered: Record<string, LayerValue>): Row[] => [
      ["", null, [whole, { sqnr_db: Infinity, ...covered }]],
      ["head", null, sqnr(Infinity)],
      ["head", "weight", [{}, { sqnr_db: Infinity, alignment: "shape" }]],
    ];
    expect(told(rows(part))).toBe("Only in part: 38 of 41 tensors, 96.2% of the weights compared; these equal base");
    expect(told(rows(whole))).toBe("No layer differs from base");
    const found = buildLayers(answer(["base", "a"], rows(part)), "base");
    expect([0, 1, 2].map((row) => isGuess(found, row, 1))).toEqual([false, true, true]);
    expect(coveredWords(found, 0, 0)).toBe("");
    expect(cellWords(found, 0, 1, SQNR)).toContain("96.2% of the weights compared");
  });
  it("is measured on one scale for every model", () => {
    expect([40, 20, 0, -50, Infinity].map(SQNR.loss)).toEqual([0, 0.5, 1, 1, 0]);
    const error = measureOf("weights", "relative_error", true);
    expect([0, 0.01, 0.1, 1, 50].map((value) => error.loss(value))).toEqual([0, 0, 0.5, 1, 1]);
  });
  it("needs no base for a model alone", () => {
    expect(measureOf("weights", "sqnr_db", false).compares).toBe(false);
  });
});

describe("the depth profile", () => {
  const lines = profileValues(TABLE, TABLE.layers, SQNR);
  it("has a line per model, none for the base of a comparison", () => {
    expect(lines).toEqual([[], [8, Infinity, 3], [20, 2, 25]]);
    const [low, high] = profileDomain(lines, SQNR);
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(25);
  });
  it("goes on behind what has no finite value", () => {
    expect(
      linePath(
        [8, Infinity, 3],
        (k) => k * 10,
        (v) => v,
      ),
    ).toBe("M0.0,8.0L20.0,3.0");
  });
  it("keeps peaks where layers are narrower than pixels", () => {
    const many = Array.from({ length: 1000 }, (_, k) => (k === 500 ? 100 : 1));
    const path = linePath(
      many,
      (k) => k / 100,
      (v) => v,
    );
    expect(path.match(/[ML]/g)!.length).toBeLessThan(30);
    expect(path).toContain(",100.0");
  });
  it("groups layers as deep as names fit", () => {
    expect(groupsOf(TABLE, TABLE.layers, 600).map(({ name }) => name)).toEqual(["block.conv", "block.norm", "head"]);
    expect(groupsOf(TABLE, TABLE.layers, 140).map(({ name, first, last }) => [name, first, last])).toEqual([
      ["block", 0, 1],
      ["head", 2, 2],
    ]);
  });
});

describe("small pictures", () => {
  it("draw a bar for each bin that holds something", () => {
    const counts = [9, 4, 0, 1, 9];
    expect(histogramPath(counts, 30, 9)).toBe("M0,9V3H10V9H20V6H30V9z");
    expect(histogramPath([0, 0, 4, 4, 0, 0], 40, 9)).toBe("M10,9V0H30V9z");
    expect(histogramPath([4, 0, 0, 4], 30, 9)).toBe("");
    expect(histogramPath([0, 0, 0], 30, 9)).toBe("");
  });
  it("stack parts to the whole, and never lose one", () => {
    expect(stack([50, 0, 50], 100, 80)).toEqual([
      { x: 0, width: 40, part: 0 },
      { x: 40, width: 40, part: 2 },
    ]);
    expect(stack([1, 0, 0], 10_000, 80)[0]!.width).toBe(1);
  });
});

describe("the address", () => {
  it("restores everything, and keeps other names", () => {
    const full: Params = {
      base: "ü & b",
      mode: "storage",
      examples: 64,
      measure: "share",
      sort: { column: "model:a:b", descending: true },
      flat: true,
      depth: 3,
      open: ["", "block.0"],
      layer: keyOf("", null),
      find: "(a|b)+",
      pattern: true,
      tensor: "block.0.weight",
      of: "a:b",
      show: "mask",
      cell: "peak",
      frame: "0~1~20~30.5",
      align: [["a.weight", "b.weight"]],
      above: "matrix",
    };
    const own = writeParams(full, { other: ["1"] });
    expect(own.other).toEqual(["1"]);
    expect(readParams(own)).toEqual(full);
    expect(readParams(writeParams({ ...full, layer: keyOf("a.b", "weight") }, {})).layer).toBe("a.b\0weight");
  });
  it("is short for the default, which stands for what cannot be read", () => {
    expect(writeParams(DEFAULTS, {})).toEqual({});
    expect(readParams({ mode: ["x"], sort: ["accuracy"], depth: ["-1"], layer: ["{"] })).toEqual(DEFAULTS);
  });
});

describe("the file", () => {
  it("has a line for each row and model, and no formulas", () => {
    const table = buildLayers(
      answer(["=1+1", 'a,"b"'], [["", null, [{ sqnr_db: Infinity }, { sqnr_db: NaN }]]]),
      "=1+1",
    );
    const [head, first, second] = toCsv(table, [0]).split("\r\n");
    expect(head!.split(",").slice(0, 3)).toEqual(["layer", "model", "num_parameters"]);
    expect(first!.split(",").slice(0, 3)).toEqual(["All layers", "'=1+1", "10"]);
    expect(first).toContain(",inf,");
    expect(second).toContain('"a,""b"""');
    expect(second).toContain(",nan,");
  });
});
