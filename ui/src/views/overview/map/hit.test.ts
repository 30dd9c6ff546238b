import { describe, expect, it } from "vitest";
import { makeEncodings } from "@/state/encodings";
import { chains } from "@/state/testing";
import type { Scene } from "./draw/scene";
import { modelAt, modelsIn, nearestOutside } from "./hit";
import { layoutModels } from "./layout";
import { looksOf } from "./looks";

const table = chains("t", "t > p 1", "t > p 2", "t > p 2 > q", "t > r");
const layout = layoutModels(table, "operation");
const scene: Scene = {
  table,
  layout,
  looks: looksOf(table.count, makeEncodings(table, null, null, "light"), new Uint8Array(table.count).fill(1)),
  places: layout,
  labels: { long: [], short: [] },
  names: { areIds: true, at: () => [] },
};
const view = { kx: 100, ky: 40, tx: 50, ty: 100 };
const at = (i: number, dx = 0, dy = 0): number | null =>
  modelAt(scene, view, 50 + 100 * layout.x[i]! + dx, 100 + 40 * layout.y[i]! + dy);

describe("modelAt", () => {
  it("finds each model at its place and a little beside it", () => {
    table.ids.forEach((_, i) => {
      expect(at(i)).toBe(i);
      expect(at(i, 5, 5)).toBe(i);
    });
  });

  it("finds a model by the straight part of its edge and by its label", () => {
    expect(at(4, -60)).toBe(4);
    expect(at(1, 40)).toBe(1);
  });

  it("finds nothing on empty paper", () => {
    expect(at(0, -30)).toBeNull();
    expect(at(0, 0, -60)).toBeNull();
    expect(modelAt(scene, view, 5000, 5000)).toBeNull();
  });
});

it("finds the models in a rectangle, drawn in any direction", () => {
  expect(modelsIn(scene, view, [170, 80, 130, 400])).toEqual([1, 2]);
  expect(modelsIn(scene, view, [0, 0, 5, 5])).toEqual([]);
});

it("finds the nearest model where none is in sight", () => {
  expect(nearestOutside(scene, view, [0, 0, 1000, 1000])).toBeNull();
  expect(nearestOutside(scene, view, [0, 1000, 100, 1100])).toBe(table.ids.length - 1);
});
