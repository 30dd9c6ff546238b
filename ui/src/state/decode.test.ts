import { float32, float64, int32, list, tableFromArrays, tableToIPC, utf8 } from "@uwdata/flechette";
import { describe, expect, it } from "vitest";
import { decodeErrors, decodeModels, shortest } from "./decode";
import { MISSING, NAN, NUMBER, POSITIVE_INFINITY } from "./table";
import { metric, testTable } from "./testing";

/** The columns of the server's stream, as its API describes them. */
function stream(metrics: Record<string, (number | null)[]>): Uint8Array {
  const names = Object.keys(metrics);
  const arrow = tableFromArrays(
    {
      id: ["a", "b ü", "c"],
      base: [null, "a", "b ü"],
      operation: ["train", "prune", null],
      parameters: ['{"epochs": 3}', '{"amount": 0.5}', "{}"],
      step: [0, 1, 2],
      tags: [[], ["x", "y"], []],
      references: ["[]", "[]", '[{"role": "teacher", "model": "a"}]'],
      replicate: [null, "seed 1", "seed 2"],
      ...metrics,
    },
    {
      types: {
        id: utf8(),
        base: utf8(),
        operation: utf8(),
        parameters: utf8(),
        step: int32(),
        tags: list(utf8()),
        references: utf8(),
        replicate: utf8(),
        ...Object.fromEntries(names.map((name) => [name, float64()])),
      },
    },
  );
  return tableToIPC(arrow, { format: "stream" })!;
}

describe("decodeModels", () => {
  it("takes unit and direction of a column for one device from the metric that it is of", () => {
    const latency = metric("Latency", { unit: "s", format: ".3s", higher_is_better: false, primary: true });
    const other = metric("Latency (ONNX)", { unit: "ms", higher_is_better: true });
    const names = ["Latency (phone)", "Latency (ONNX) (phone)", "Latency (ONNX)", "Latencies (phone)"];
    const bytes = stream(Object.fromEntries(names.map((name) => [name, [1, 2, 3]])));
    const { metrics } = decodeModels(bytes, [latency, other], 1);
    expect(metrics.map(({ name }) => name)).toEqual(names);
    expect(metrics.some(({ primary }) => primary)).toBe(false);
    expect(metrics.map(({ unit, higher_is_better }) => [unit, higher_is_better])).toEqual([
      ["s", false],
      ["ms", true],
      ["ms", true],
      ["", null],
    ]);
  });
  it("reads every column", () => {
    const table = decodeModels(stream({ m: [1, 2, 3] }), [metric("m", { unit: "B" })], 7);
    expect(table.revision).toBe(7);
    expect(table.ids).toEqual(["a", "b ü", "c"]);
    expect([...table.base]).toEqual([-1, 0, 1]);
    expect(table.operation).toEqual(["train", "prune", null]);
    expect(table.parameters).toEqual([{ epochs: 3 }, { amount: 0.5 }, {}]);
    expect(table.tags).toEqual([[], ["x", "y"], []]);
    expect(table.references[2]).toEqual([{ role: "teacher", model: 0 }]);
    expect(table.replicates.names).toEqual([null, "seed 1", "seed 2"]);
    expect(table.metrics).toEqual([metric("m", { unit: "B" })]);
    expect([...table.values.get("m")!]).toEqual([1, 2, 3]);
  });

  it("tells null, NaN and infinity apart", () => {
    const table = decodeModels(stream({ m: [null, NaN, Infinity], n: [0, 1, 2] }), [], 1);
    expect([...table.status.get("m")!]).toEqual([MISSING, NAN, POSITIVE_INFINITY]);
    expect([...table.status.get("n")!]).toEqual([NUMBER, NUMBER, NUMBER]);
  });

  it("takes a metric that is named like a column for a metric", () => {
    const table = decodeModels(stream({ "Step ": [5, 6, 7] }), [], 1);
    expect(table.metrics.map(({ name }) => name)).toEqual(["Step "]);
  });

  it("reads a project without metrics", () => {
    expect(decodeModels(stream({}), [], 1).metrics).toEqual([]);
  });
});

describe("numbers of single precision", () => {
  it("become the decimals that they stand for", () => {
    for (const value of [0.981, -0.0001234, 1e-9, 102400, 25.6, 0, 16777215, 102760448, NaN, Infinity]) {
      expect(shortest(Math.fround(value))).toBe(value);
    }
  });

  it("are told from missing ones", () => {
    const arrow = tableFromArrays({ id: ["a", "b"], m: [0.01, null] }, { types: { id: utf8(), m: float32() } });
    const table = testTable([{ id: "b" }, { id: "c" }, { id: "a" }]);
    expect([...decodeErrors(tableToIPC(arrow, { format: "stream" })!, table).get("m")!]).toEqual([
      NaN,
      NaN,
      Math.fround(0.01),
    ]);
  });
});
