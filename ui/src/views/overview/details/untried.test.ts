import { expect, it } from "vitest";
import { metric, testTable } from "@/state/testing";
import { draftOf, promising, stepWords, untried } from "./untried";

const ACCURACY = metric("Accuracy", { higher_is_better: true, min: 0, max: 1 });
const SIZE = metric("Size", { unit: "B", higher_is_better: false, min: 0 });
const METRICS = [ACCURACY, SIZE];

const step = (id: string, base: string, [operation, value]: [string, number], values: [number | null, number]) => ({
  id,
  base,
  operation,
  parameters: { [operation === "prune" ? "amount" : "bits"]: value },
  values,
});
/** Three pruned models; to two of them 8 bits were applied, to one of them 4. */
const table = testTable(
  [
    { id: "cnn", operation: "train", values: [0.99, 1000] },
    step("p5", "cnn", ["prune", 0.5], [0.9, 600]),
    step("p7", "cnn", ["prune", 0.7], [0.86, 400]),
    step("p9", "cnn", ["prune", 0.9], [0.885, 200]),
    step("broken", "cnn", ["prune", 1], [0, 10]),
    step("p5-8", "p5", ["quantize", 8], [0.89, 300]),
    step("p7-8", "p7", ["quantize", 8], [0.81, 100]),
    { id: "p5 (packed)", base: "p5", operation: "ship", parameters: { format: "packed" }, values: [0.9, 90] },
    step("p5-4", "p5", ["quantize", 4], [0.87, 150]),
  ],
  METRICS,
);

it("finds the empty cells, and says what was seen in their rows", () => {
  const found = untried(table, METRICS);
  const told = found.map((cell) => [table.ids[cell.model], stepWords(cell)]);
  expect(told).toEqual([
    ["p9", "quantize bits 8"],
    ["broken", "quantize bits 8"],
    ["p7", "quantize bits 4"],
    ["p9", "quantize bits 4"],
    ["broken", "quantize bits 4"],
  ]);
  const [accuracy, size] = found[0]!.estimates;
  // 0.885 − (0.01 + 0.05) / 2; the least and the most that was lost are 0.01 and 0.05
  expect(accuracy!.value).toBeCloseTo(0.855);
  expect([accuracy!.low, accuracy!.high, accuracy!.pairs].map((n) => Number(n.toFixed(3)))).toEqual([0.835, 0.875, 2]);
  // ratios of 1/2 and 1/4: their geometric mean is 1/√8
  expect(size!.value).toBeCloseTo(200 / Math.sqrt(8));
  expect([size!.low, size!.high].map(Math.round)).toEqual([50, 100]);
  // nothing was seen that began where the broken one is, but its size is told by the same ratio
  expect(found[1]!.estimates[0]).toBeNull();
  expect(found[1]!.estimates[1]!.value).toBeCloseTo(10 / Math.sqrt(8));
  expect(found[2]!.estimates[0]).toMatchObject({ pairs: 1 });
  expect(found[2]!.estimates[0]!.value).toBeCloseTo(0.83);
});

it("puts the most promising first, and those without a number last", () => {
  const cells = promising(untried(table, METRICS), METRICS);
  expect(cells.map(({ model }) => table.ids[model])).toEqual(["p9", "p9", "p7", "broken", "broken"]);
});

it("drafts the step for the page of experiments", () => {
  expect(draftOf(untried(table, METRICS)[0]!)).toEqual({ operation: ["quantize"], set: ['["bits","8"]'] });
});

it("finds nothing in a chain, where no model is made like another", () => {
  const chain = testTable([
    { id: "a" },
    { id: "b", base: "a", operation: "x" },
    { id: "c", base: "b", operation: "y" },
  ]);
  expect(untried(chain, [])).toEqual([]);
});
