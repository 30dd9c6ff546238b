import { describe, expect, it } from "vitest";
import { makeEncodings } from "@/state/encodings";
import { testTable } from "@/state/testing";
import { layoutModels } from "../layout";
import { looksOf } from "../looks";
import { mapNames } from "../names";
import { byColor, thin, type Scene } from "./scene";

const table = testTable([
  { id: "root" },
  ...Array.from({ length: 1000 }, (_, k) => ({
    id: `${k}`,
    base: "root",
    operation: "prune",
    parameters: { amount: k },
  })),
]);
const layout = layoutModels(table, "operation");

function sceneWith(visible: Uint8Array): Scene {
  const looks = looksOf(table.count, makeEncodings(table, null, null, "light"), visible);
  const names = mapNames(table, layout.shown, true);
  return { table, layout, looks, places: layout, labels: { long: [], short: [] }, names };
}

describe("thin", () => {
  const all = sceneWith(new Uint8Array(table.count).fill(1));

  it("keeps all where there is room", () => {
    const frame = { width: 100, height: 2000, view: { kx: 50, ky: 1.5, tx: 0, ty: 0 } };
    expect(thin(all, frame, () => true)).toHaveLength(table.count);
  });

  it("keeps one per column and pixel, over the whole height", () => {
    const frame = { width: 100, height: 100, view: { kx: 50, ky: 0.1, tx: 0, ty: 0 } };
    const models = thin(all, frame, () => true);
    expect(models.length).toBeGreaterThan(95);
    expect(models.length).toBeLessThan(105);
  });

  it("prefers models that pass the filter, and puts them on top", () => {
    const visible = new Uint8Array(table.count);
    visible[500] = 1;
    const frame = { width: 100, height: 100, view: { kx: 50, ky: 0.1, tx: 0, ty: 0 } };
    expect(thin(sceneWith(visible), frame, () => true).at(-1)).toBe(500);
  });
});

it("groups by color", () => {
  const groups: [string, number[]][] = [];
  byColor([0, 1, 2], ["red", "blue", "red"], (color, group) => groups.push([color, group]));
  expect(groups).toEqual([
    ["red", [0, 2]],
    ["blue", [1]],
  ]);
});
