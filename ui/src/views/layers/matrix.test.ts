/** Which error a matrix of layers and models shows. */
import { describe, expect, it } from "vitest";
import type { LayerColumns } from "@/api/layers";
import { damageMatrix } from "./matrix";
import { goesOn, MEASURES } from "./measures";
import { dotsPath } from "./profile";
import { buildLayers } from "./table";

const answer = (columns: Record<string, unknown[]>): LayerColumns =>
  ({ what: "activations", models: ["base", "p"], count: 5, columns: new Map(Object.entries(columns)) }) as never;
const TABLE = buildLayers(
  answer({
    module: ["", "a", "a", "b", "b"],
    parameter: [null, null, null, null, null],
    model: ["base", "base", "p", "base", "p"],
    num_parameters: [2, 1, 1, 1, 1],
    relative_error: [null, null, 0.1, null, 1],
    local_relative_error: [null, null, 0.1, null, 0],
  }),
  "base",
);
const measure = (id: string) => MEASURES.activations.find((one) => one.id === id)!;

describe("the damage matrix", () => {
  it("shades a layer by the error that it adds, not by what reaches it", () => {
    for (const chosen of ["relative_error", "local_relative_error"]) {
      const { rows, soFar } = damageMatrix(TABLE, TABLE.layers, measure(chosen));
      const [a, b] = rows[0]!.cells;
      expect(rows.map(({ model }) => model)).toEqual([1]);
      expect([a!.made, a!.shade, b!.made, b!.shade]).toEqual([0.1, 0.5, 0, 0]);
      expect([soFar!.id, b!.received, b!.receivedShade]).toEqual(["relative_error", 1, 1]);
    }
  });

  it("has no lines between what is each layer's own", () => {
    expect(goesOn("activations", measure("relative_error"))).toBe(true);
    expect(goesOn("activations", measure("local_relative_error"))).toBe(false);
    expect(goesOn("weights", MEASURES.weights[0]!)).toBe(false);
    const place = (value: number): number => value;
    expect(dotsPath([1, null, Infinity, 2], place, place)).toBe("M0.0,1.0h0M3.0,2.0h0");
  });
});
