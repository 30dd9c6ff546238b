import { describe, expect, it } from "vitest";
import { chains } from "@/state/testing";
import { layoutModels } from "./layout";
import { kin, lineage, neighbor } from "./walk";

const table = chains("t", "t > p 1", "t > p 2", "t > p 3", "t > p 2 > q 1", "t > p 2 > q 2");
const layout = layoutModels(table, "operation");

describe("neighbor", () => {
  it("walks along edges and columns, and stays at the border", () => {
    expect(neighbor(table, layout, 0, "right")).toBe(2);
    expect(neighbor(table, layout, 2, "left")).toBe(0);
    expect(neighbor(table, layout, 0, "left")).toBe(0);
    expect([neighbor(table, layout, 2, "up"), neighbor(table, layout, 2, "down")]).toEqual([1, 3]);
    expect(neighbor(table, layout, 3, "down")).toBe(3);
    expect(neighbor(table, layout, 4, "down")).toBe(5);
    expect(neighbor(table, layout, 5, "right")).toBe(5);
  });

  it("does not enter a collapsed model", () => {
    expect(neighbor(table, layoutModels(table, "operation", { collapsed: new Set([2]) }), 2, "right")).toBe(2);
  });
});

describe("kin", () => {
  it("finds each kind without those given", () => {
    expect(kin(table, [4], "parents")).toEqual([2]);
    expect(kin(table, [4, 5], "ancestors")).toEqual([0, 2]);
    expect(kin(table, [0, 2], "children")).toEqual([1, 3, 4, 5]);
    expect(kin(table, [0], "descendants")).toEqual([1, 2, 3, 4, 5]);
    expect(kin(table, [], "descendants")).toEqual([]);
  });

  it("reaches descendants through models that were given", () => {
    expect(kin(table, [0, 2], "descendants")).toEqual([1, 3, 4, 5]);
  });
});

it("lists a lineage from the model to its root", () => {
  expect(lineage(table, 5)).toEqual([5, 2, 0]);
});
