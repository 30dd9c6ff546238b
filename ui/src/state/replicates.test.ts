import { describe, expect, it } from "vitest";
import { layoutModels } from "@/views/overview/map/layout";
import { pooled, spreadOf, standing } from "./replicates";
import { buildTable, type Metric } from "./table";

const accuracy: Metric = {
  ...{ name: "Accuracy", unit: "", format: ".1%", higher_is_better: true, primary: true, min: 0, max: 1 },
  description: "",
};
// a root; three pruned with other seeds, of which two were finetuned; one pruned otherwise; one without a name
const table = buildTable({
  revision: 1,
  ids: ["root", "s1", "s2", "s3", "f1", "f2", "other", "plain"],
  bases: [null, "root", "root", "root", "s1", "s3", "root", "root"],
  operation: ["train", "prune", "prune", "prune", "finetune", "finetune", "prune", "prune"],
  parameters: [{}, { a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1, b: 2 }, {}, {}, { a: 2, b: 2 }, { a: 1, b: 2 }],
  tags: Array.from({ length: 8 }, () => []),
  references: Array.from({ length: 8 }, () => []),
  replicate: [null, "seed 1", "seed 2", "seed 3", "seed 1", "seed 3", "seed 1", null],
  metrics: [accuracy],
  values: [[0.9, 0.5, 0.6, 0.7, 0.8, null, 0.4, 0.3]],
});

describe("replicates", () => {
  it("have a name, the same step, and bases that are replicates", () => {
    expect([...table.replicates.first]).toEqual([0, 1, 1, 1, 4, 4, 6, 7]);
    expect([...table.replicates.members]).toEqual([
      [1, [1, 2, 3]],
      [4, [4, 5]],
    ]);
  });

  it("stand at their mean, with the smallest and the largest", () => {
    const values = [...pooled(table).values.get("Accuracy")!];
    expect(values.map((value) => (Number.isNaN(value) ? null : Math.round(value * 10) / 10))).toEqual([
      ...[0.9, 0.6, null, null, 0.8, null, 0.4, 0.3],
    ]);
    expect(spreadOf(table, "Accuracy", 1)).toEqual([0.5, 0.7]);
    expect(spreadOf(table, "Accuracy", 4)).toBe(null);
    expect(spreadOf(table, "Accuracy", 0)).toBe(null);
    expect([...standing(table, [2, 3, 7])]).toEqual([1, 7]);
  });

  it("are one mark on the map, from which all that was made from them comes", () => {
    const { shown, x, y, children } = layoutModels(table, "step");
    expect([...shown]).toEqual([1, 1, 0, 0, 1, 0, 1, 1]);
    expect(children[1]).toEqual([4]);
    expect([x[2], y[2], x[5], y[5]]).toEqual([x[1], y[1], x[4], y[4]]);
    const rows = [...y].filter((_, i) => shown[i] && ![0, 1].includes(i));
    expect(new Set(rows).size).toBe(rows.length);
  });

  it("leave a table without any as it is", () => {
    const none = buildTable({
      ...{ revision: 1, ids: ["a", "b"], bases: [null, "a"], operation: ["t", "p"], parameters: [{}, {}] },
      ...{ tags: [[], []], references: [[], []], metrics: [accuracy], values: [[1, 0.5]] },
    });
    expect(pooled(none)).toBe(none);
  });
});
