import { describe, expect, it } from "vitest";
import { chains, testTable, type TestModel } from "@/state/testing";
import type { ModelTable } from "@/state/table";
import { layoutModels, type Layout } from "./layout";

const topDown = (table: ModelTable, layout: Layout): string[] =>
  table.ids
    .map((id, i) => ({ id, y: layout.y[i]!, leaf: !table.children[i]!.length }))
    .filter(({ leaf }) => leaf)
    .sort((a, b) => a.y - b.y)
    .map(({ id }) => id);

function grown(count: number): ModelTable {
  let seed = 11;
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  const operations = ["prune", "quantize", "calibrate", "finetune", "palettize"];
  const models: TestModel[] = [{ id: "root", operation: "train" }];
  while (models.length < count) {
    const base = models[random(models.length)]!;
    const operation = operations[random(5)]!;
    models.push({ id: `model ${models.length}`, base: base.id, operation, parameters: { amount: random(100) / 100 } });
  }
  return testTable(models);
}

describe("layoutModels", () => {
  it("sorts siblings by operation, then parameters as numbers", () => {
    const table = chains("t", "t > prune 10", "t > prune 9", "t > prune 0.5", "t > quantize 4", "t > prune 9 > tune");
    expect(topDown(table, layoutModels(table, "operation"))).toEqual([
      "t > prune 0.5",
      "t > prune 9 > tune",
      "t > prune 10",
      "t > quantize 4",
    ]);
  });

  it("sorts texts with numbers in them as people do", () => {
    const kinds = ["int16", "int8", "int4"].map((scheme) => ({
      id: scheme,
      base: "t",
      operation: "q",
      parameters: { scheme },
    }));
    const table = testTable([{ id: "t" }, ...kinds]);
    expect(topDown(table, layoutModels(table, "step"))).toEqual(["int4", "int8", "int16"]);
  });

  it("gives every leaf a row of its own and puts parents amid their children", () => {
    const table = grown(500);
    const layout = layoutModels(table, "operation");
    const leaves = table.ids.flatMap((_, i) => (table.children[i]!.length ? [] : [layout.y[i]!])).sort((a, b) => a - b);
    leaves.forEach((y, k) => expect(k === 0 || y - leaves[k - 1]! >= 0.999).toBe(true));
    table.children.forEach((list, i) => {
      if (!list.length) return;
      const rows = list.map((child) => layout.y[child]!);
      expect(layout.y[i]).toBeCloseTo((Math.min(...rows) + Math.max(...rows)) / 2, 3);
    });
    expect(layout.rows).toBeCloseTo(leaves.at(-1)! + 1, 3);
  });

  it("gives every subtree a band of rows that no other model enters", () => {
    const table = grown(400);
    const { y } = layoutModels(table, "operation");
    const band = (i: number): [number, number] => {
      const rows = table.children[i]!.map(band);
      return [Math.min(y[i]!, ...rows.map(([low]) => low)), Math.max(y[i]!, ...rows.map(([, high]) => high))];
    };
    for (const list of table.children) {
      const bands = list.map(band).sort((a, b) => a[0] - b[0]);
      bands.forEach(([low], k) => expect(k === 0 || low > bands[k - 1]![1]).toBe(true));
    }
  });

  it("stacks each column from top to bottom", () => {
    const table = grown(400);
    for (const arrangement of ["operation", "step"] as const) {
      const { stacks, y, x } = layoutModels(table, arrangement);
      stacks.forEach((stack, k) =>
        stack.forEach((i, at) => expect(x[i] === k && (!at || y[stack[at - 1]!]! < y[i]!)).toBe(true)),
      );
      expect(stacks.flat()).toHaveLength(400);
    }
  });

  it("keeps rows when columns are rearranged", () => {
    const table = grown(200);
    expect(layoutModels(table, "step").y).toEqual(layoutModels(table, "operation").y);
    expect([...layoutModels(table, "step").x]).toEqual([...table.step]);
  });

  it("sets trees apart", () => {
    const table = chains("a", "a > p 1", "a > p 2", "b");
    const { y } = layoutModels(table, "operation");
    expect(y[3]! - y[2]!).toBeGreaterThan(1.9);
  });

  it("hides what is below a collapsed model, and counts it", () => {
    const table = chains("t", "t > p 1", "t > p 1 > q", "t > p 1 > q > r", "t > p 2");
    const layout = layoutModels(table, "operation", { collapsed: new Set([1]) });
    expect([...layout.shown]).toEqual([1, 1, 0, 0, 1]);
    expect(layout.hidden[1]).toBe(2);
    expect([layout.x[3], layout.y[3]]).toEqual([layout.x[1], layout.y[1]]);
    expect(layout.stacks.flat().sort()).toEqual([0, 1, 4]);
  });

  it("lays out a chain of 10,000 steps and an empty project", () => {
    const chain = testTable(
      Array.from({ length: 10_000 }, (_, k) => ({ id: `${k}`, base: k ? `${k - 1}` : undefined, operation: "train" })),
    );
    expect(layoutModels(chain, "operation").columns).toHaveLength(10_000);
    expect(layoutModels(testTable([]), "operation").columns).toEqual([]);
  });
});
