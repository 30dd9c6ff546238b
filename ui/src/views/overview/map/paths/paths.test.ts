import { describe, expect, it } from "vitest";
import { makeEncodings } from "@/state/encodings";
import { metric, testTable, type TestModel } from "@/state/testing";
import { layoutPaths, type Measures } from "./layout";
import { bestFirst, outcomesOf } from "./outcomes";
import { listed, modelsBelow, opened, pathTree, withPath } from "./tree";
import { stepTo } from "./walk";

const accuracy = metric("Accuracy", { higher_is_better: true, min: 0, max: 1 });
const models: TestModel[] = [{ id: "t", operation: "train", values: [0.9] }];
for (let k = 0; k < 300; k++) {
  const parent = k < 200 ? "t" : `m${k - 200}`;
  const operation = k >= 200 ? "finetune" : k % 4 ? "prune" : "quantize";
  models.push({ id: `m${k}`, base: parent, operation, parameters: { k }, values: [k % 7 ? k / 400 : null] });
}
const table = testTable(models, [accuracy]);
const all = new Uint8Array(table.count).fill(1);
const [root] = pathTree(table, all);
const values = table.values.get("Accuracy")!;
const encodings = makeEncodings(table, "Accuracy", null, "light");
const MEASURES: Measures = { row: 24, modelRow: 18, perModel: 0.5, thin: 1.5, bar: 12, most: 5, top: 8 };

describe("pathTree", () => {
  it("puts models that the same operations made together, those with most first", () => {
    expect(root!.children.map(({ key, total }) => [key, total])).toEqual([
      ["train/prune", 225],
      ["train/quantize", 75],
    ]);
    expect(root!.total).toBe(301);
    expect(root!.children[0]!.children[0]!.models).toHaveLength(75);
    expect(modelsBelow(root!)).toHaveLength(301);
  });
  it("counts only what is shown", () => {
    const some = Uint8Array.from(table.operation, (name) => (name === "quantize" ? 1 : 0));
    const [only] = pathTree(table, some);
    expect(only!.children.map(({ operation }) => operation)).toEqual(["quantize"]);
    expect(pathTree(table, new Uint8Array(table.count))).toEqual([]);
  });
});

describe("what is unfolded", () => {
  it("is the largest, as far as there are rows", () => {
    expect(opened([root!], [], 1).size).toBe(0);
    expect([...opened([root!], [], 2)].map(({ key }) => key)).toEqual(["train", "train/prune"]);
    expect([...opened([root!], [], 9)].map(({ key }) => key)).toEqual(["train", "train/prune", "train/quantize"]);
  });
  it("is what a person wants", () => {
    expect(opened([root!], withPath([], "train", "-"), 100).size).toBe(0);
    expect(opened([root!], withPath(["-train"], "train", "+"), 1).size).toBe(1);
    expect(withPath(["-train", "+a"], "train", "=")).toEqual(["+a", "=train"]);
    expect([...listed(["=train", "+a"])]).toEqual(["train"]);
  });
});

describe("layoutPaths", () => {
  const sorted = (): number[] => bestFirst(root!.children[1]!.models, values, true);
  const open = opened([root!], [], 100);
  const layout = layoutPaths([root!], { open, listed: new Set(["train/quantize"]), sorted }, MEASURES);
  it("gives each path a row as high as its ribbon, apart from all others", () => {
    const ends = layout.placed.filter(({ isOpen }) => !isOpen).sort((a, b) => a.y - b.y);
    for (const [k, one] of ends.slice(1).entries()) {
      const before = ends[k]!;
      expect(one.y - one.height / 2).toBeGreaterThanOrEqual(before.y + before.height / 2);
    }
    for (const { y, height } of layout.placed) expect(y + height / 2).toBeLessThanOrEqual(layout.height);
  });
  it("leaves room above the highest bar", () => {
    for (const perModel of [0.1, 0.5, 5]) {
      const { placed } = layoutPaths([root!], { open, listed: new Set(), sorted }, { ...MEASURES, perModel });
      for (const { y, height } of placed) expect(y - height / 2).toBeGreaterThanOrEqual(MEASURES.top);
    }
  });
  it("is as much higher as its measures are, so that it can fill a panel", () => {
    const times = (by: number): Measures => {
      const { row, thin, bar, perModel } = MEASURES;
      return { ...MEASURES, row: row * by, thin: thin * by, bar: bar * by, perModel: perModel * by };
    };
    const heightAt = (by: number): number =>
      layoutPaths([root!], { open, listed: new Set(), sorted }, times(by)).height - MEASURES.top;
    for (const by of [1.5, 3]) {
      expect(heightAt(by)).toBeLessThanOrEqual(by * heightAt(1));
      expect(heightAt(by)).toBeGreaterThan(0.95 * by * heightAt(1));
    }
  });
  it("lets ribbons leave a bar below each other, and no further than its ends", () => {
    const bar = layout.placed[0]!;
    const children = layout.placed.filter(({ parent }) => parent === 0);
    expect(children[0]!.from).toBeLessThan(children[1]!.from);
    expect(children[0]!.from - children[0]!.thickness / 2).toBeGreaterThanOrEqual(bar.y - bar.height / 2);
  });
  it("lists the best models, and says how many more there are", () => {
    const one = layout.placed.find(({ node }) => node.key === "train/quantize")!;
    expect(one.models).toHaveLength(MEASURES.most);
    expect(one.more!.count).toBe(50 - MEASURES.most);
    const found = one.models.map(({ model }) => values[model]!);
    expect(found).toEqual([...found].sort((a, b) => b - a));
  });
  it("is walked like a tree", () => {
    const [first, second] = layout.placed;
    expect(stepTo(layout, first!, "ArrowRight")).toBe(second);
    expect(stepTo(layout, second!, "ArrowLeft")).toBe(first);
    expect(stepTo(layout, first!, "ArrowUp")).toBe(first);
    expect(stepTo(layout, first!, "End")).toBe(layout.placed.at(-1));
  });
});

it("sums outcomes up, the better end first, and counts what is missing", () => {
  const found = outcomesOf([...table.ids.keys()], values, encodings);
  expect(found.missing).toBe(43);
  expect(found.bins.reduce((sum, count) => sum + count, 0)).toBe(found.count - found.missing);
  expect(found.parts[0]!.shade).toBeGreaterThan(found.parts.at(-1)!.shade);
  expect(found.parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1 - 43 / 301);
  expect([found.least, found.most]).toEqual([1 / 400, 0.9]);
  expect(outcomesOf([], values, encodings)).toMatchObject({ count: 0, median: NaN });
  expect(outcomesOf([1], null, { ...encodings, colorScale: null }).parts).toEqual([]);
});
