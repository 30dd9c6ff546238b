import { expect, it } from "vitest";
import { testTable } from "@/state/testing";
import { carryPlaces } from "./places";

const places = (x: number[], y: number[]): { x: Float32Array; y: Float32Array } => ({
  x: Float32Array.from(x),
  y: Float32Array.from(y),
});

it("keeps models where they were by id, lets new ones come out of their base, and new trees stand", () => {
  const before = testTable([{ id: "t" }, { id: "a", base: "t" }]);
  const after = testTable([
    { id: "new", base: "newer" },
    { id: "a", base: "t" },
    { id: "t" },
    { id: "newer", base: "a" },
    { id: "root" },
  ]);
  const from = carryPlaces(before, places([0, 1], [5, 6]), after, places([9, 9, 9, 9, 9], [1, 2, 3, 4, 5]));
  expect([...from.x]).toEqual([1, 1, 0, 1, 9]);
  expect([...from.y]).toEqual([6, 6, 5, 6, 5]);
});

it("takes places of the same table as they are", () => {
  const table = testTable([{ id: "t" }]);
  const here = places([1], [2]);
  expect(carryPlaces(table, here, table, places([3], [4]))).toBe(here);
});
