import { describe, expect, it } from "vitest";
import { layerTable, ROWS } from "@/testing/layers";
import { cellWords, matched, storedAs, storedShort } from "./cells";
import { firstOf, OUTPUTS, WEIGHTS } from "./channels";
import { outputLines, storageLines, weightLines, type Line } from "./lines";
import { measureOf, MEASURES } from "./measures";
import { layerOf, placeBy } from "./profile";
import { keyOf } from "./table";

const TABLE = layerTable(["cnn", "p50"], ROWS);
const HEAD = TABLE.indexOf.get("head")!;
const BIAS = TABLE.indexOf.get(keyOf("head", "bias"))!;
const named = (lines: readonly Line[], name: string): Line => lines.find((line) => line.name === name)!;

describe("the lines about weights", () => {
  const lines = weightLines(TABLE, HEAD);

  it("count, and say what values there are", () => {
    expect(named(lines, "Weights").cells).toEqual(["10", "10"]);
    const range = lines.filter(({ title, name }) => title === "" && name !== "Weights");
    expect(range.map(({ cells }) => cells[0])).toEqual(["0.5", "0.25", "−1", "1"]);
  });
  it("compare with the base only what is not the base", () => {
    for (const measure of MEASURES.weights.filter(({ compares }) => compares)) {
      expect(named(lines, measure.name).cells[0]).toBe("—");
      expect(named(lines, measure.name).losses[0]).toBeNull();
    }
  });
  it("say how bad a value is, from none to all", () => {
    const error = named(lines, measureOf("weights", "relative_error", true).name);
    // 6 dB: an error of half the weights, 1 + log10(0.501) / 2
    expect(error.losses[1]).toBeCloseTo(0.85, 3);
    const all = lines.flatMap(({ losses }) => losses.filter((loss) => loss !== null));
    expect(all.every((loss) => loss >= 0 && loss <= 1)).toBe(true);
  });
  it("say of a model without the tensor nothing that compares", () => {
    const error = named(weightLines(TABLE, BIAS), measureOf("weights", "relative_error", true).name);
    expect(error.cells).toEqual(["—", "—"]);
  });
  it("compare nothing where there is one model", () => {
    const alone = layerTable(
      ["cnn"],
      ROWS.map(([module, parameter, cells]) => [module, parameter, cells.slice(0, 1)]),
    );
    const names = weightLines(alone, HEAD).map(({ name }) => name);
    for (const { name, compares } of MEASURES.weights) expect(names.includes(name)).toBe(!compares);
  });
  it("call what did not change the same", () => {
    const equal = layerTable(["a", "b"], [["", null, [{}, { sqnr_db: Infinity }]]]);
    expect(named(weightLines(equal, 0), measureOf("weights", "sqnr_db", true).name).cells[1]).toBe("same");
  });
});

describe("the lines about storage", () => {
  it("say how weights are stored and how many bytes that takes", () => {
    const lines = storageLines(TABLE, HEAD);
    expect(lines[0]!.cells).toEqual(["fp32", "fp32"]);
    expect(lines.some(({ cells }) => /40.B/.test(cells[0]!))).toBe(true);
  });
  it("say of a tensor that is not there that it is not stored", () => {
    expect(storageLines(TABLE, BIAS)[0]!.cells[1]).toBe("—");
  });
});

describe("the lines about outputs", () => {
  it("are those of the models that are asked for", () => {
    const rows = [
      ["", null, [{ cka: 1 }, { cka: 0.5, worst_channels: [3, 1], worst_channel_shares: [0.5, 0.25] }]],
    ] as const;
    const table = layerTable(["a", "b"], rows as never, "activations");
    const lines = outputLines(table, 0, ["b"]);
    const worst = named(lines, OUTPUTS[0]!.name);
    expect(worst.cells).toEqual(["3 (50%), …"]);
    expect(worst.titles).toEqual(["3 (50%), 1 (25%)"]);
  });
});

describe("words about stored weights", () => {
  const of = (cell: Record<string, number | string | null>) => layerTable(["a"], [["", null, [cell]]]);

  it.each([
    [{ scheme: "dense", dtype: "float32" }, "float32", "fp32"],
    [{ scheme: "dense", dtype: "bfloat16" }, "bfloat16", "bf16"],
    [{ scheme: "quantized", bits: 4, group_size: 128 }, "4-bit quantized per 128", "int4 /128"],
    [{ scheme: "quantized", bits: 8 }, "8-bit quantized", "int8"],
    [{ scheme: "palettized", bits: 2 }, "2-bit palettized", "2-bit LUT"],
    [{ scheme: null }, "mixed", "mixed"],
  ])("of %o are %s, or short %s", (cell, long, short) => {
    expect([storedAs(of(cell), 0, 0), storedShort(of(cell), 0, 0)]).toEqual([long, short]);
  });
});

describe("words about a tensor's counterpart", () => {
  it.each(["shape", "chosen", "kept", "product", "fused", "resized", "model only", "base only"])(
    "say what %s is",
    (how) => {
      const table = layerTable(["a", "b"], [["", null, [{}, { alignment: how, counterpart: "other.weight" }]]]);
      const words = matched(table, 0, 1);
      expect(words).toMatch(/^[A-Z].*\.$/);
      expect(words.includes("other.weight")).toBe(how === "shape" || how === "chosen");
    },
  );
  it("say nothing where it has the same name", () => expect(matched(TABLE, HEAD, 1)).toBe(""));
});

describe("words about a cell", () => {
  const words = (what: "weights" | "sparsity" | "storage" | "activations", row: number, model: number): string => {
    const table = layerTable(["cnn", "p50"], ROWS, what);
    return cellWords(table, row, model, measureOf(what, null, true));
  };

  it("name the layer and the model, and what is measured", () => {
    expect(words("weights", HEAD, 1)).toMatch(/^head in p50\n.*6/);
    expect(words("weights", HEAD, 1)).toContain("of 10 weights");
  });
  it("say in which bands weights changed, of what is not the base", () => {
    expect(words("weights", HEAD, 1)).toContain("6 by less than 20%");
    expect(words("weights", HEAD, 0)).not.toContain("Changed");
  });
  it("count zeros of each kind", () => {
    expect(words("sparsity", HEAD, 1)).toContain("3 zero here only");
    expect(words("sparsity", HEAD, 0)).toContain("0 zero");
  });
  it("say how it is stored", () => expect(words("storage", HEAD, 1)).toContain("float32"));
  it("say which error is its own", () => expect(words("activations", HEAD, 1)).toMatch(/0\.501.*0\.501/));
  it("say that it is not there", () => expect(words("weights", BIAS, 1)).toBe("head.bias in p50: not in this model"));
});

describe("lists of channels", () => {
  it("are cut after the first", () => {
    expect([firstOf("3 (50%), 1 (25%)"), firstOf("3"), firstOf("none")]).toEqual(["3 (50%), …", "3", "none"]);
  });
  it("say what is not known, and what is not there", () => {
    const table = layerTable(["a"], [["", null, [{ outlier_channels: [], channel_norm_min: 1, channel_norm_max: 1 }]]]);
    expect(OUTPUTS.map(({ words }) => words(table, 0, 0))).toEqual(["—", "none"]);
    expect(WEIGHTS.map(({ words }) => words(table, 0, 0))).toEqual(["1", "—"]);
  });
});

describe("walking over the profile", () => {
  it("takes a tensor for its layer", () => {
    expect(layerOf(TABLE, BIAS)).toBe(HEAD);
    expect(layerOf(TABLE, HEAD)).toBe(HEAD);
    expect(layerOf(TABLE, null)).toBe(-1);
  });
  it("goes to the next, from none to the first or last, and never beyond", () => {
    expect([placeBy(1, 1, 3), placeBy(2, 1, 3), placeBy(0, -1, 3)]).toEqual([2, 2, 0]);
    expect([placeBy(-1, 1, 3), placeBy(-1, -1, 3)]).toEqual([0, 2]);
  });
});
