import { describe, expect, it } from "vitest";
import { buildTable, type Metric, type ModelTable } from "@/state/table";
import { budgetOf, limitsHigh, roundLimit, withBudget } from "./budget";
import { nextAlong, nextOf } from "./pick";
import { frontierOf, makeScene, roomFor } from "./scene";
import { makeTitle, missingNotes, undirected } from "./story";

const metric = (fields: Partial<Metric>): Metric => ({
  name: "",
  unit: "",
  format: "",
  higher_is_better: null,
  primary: true,
  min: 0,
  max: null,
  description: "",
  ...fields,
});
const accuracy = metric({ name: "Accuracy", format: ".1%", higher_is_better: true, max: 1 });
const size = metric({ name: "Size", unit: "B", higher_is_better: false });
const epochs = metric({ name: "Epochs" });

function makeTable(rows: [string, number | null, number | null, number | null][]): ModelTable {
  return buildTable({
    revision: 1,
    ids: rows.map(([id]) => id),
    bases: rows.map((_, i) => (i === 0 ? null : rows[0]![0])),
    operation: rows.map(() => null),
    parameters: rows.map(() => ({})),
    tags: rows.map(() => []),
    references: rows.map(() => []),
    metrics: [accuracy, size, epochs],
    values: [rows.map((row) => row[1]), rows.map((row) => row[2]), rows.map((row) => row[3])],
  });
}

const table = makeTable([
  ["base", 0.9, 100e6, 10],
  ["small", 0.89, 40e6, 0],
  ["tiny", 0.5, 10e6, null],
  ["bad", 0.4, 80e6, Number.NaN],
  ["unmeasured", null, 5e6, 3],
]);
const all = new Uint8Array(table.count).fill(1);
const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("scene", () => {
  const scene = makeScene({
    table,
    x: size,
    y: accuracy,
    logX: false,
    logY: false,
    zoom: null,
    size: { width: 200, height: 100 },
    margins: { left: 20, right: 10, top: 5, bottom: 15 },
  });
  it("places models with both values inside the axes, good accuracy on top", () => {
    expect([...scene.px].map(Number.isNaN)).toEqual([false, false, false, false, true]);
    expect(scene.px[2]).toBeGreaterThan(20);
    expect(scene.px[0]).toBeLessThan(190);
    expect(scene.py[0]).toBeLessThan(scene.py[3]!);
  });
  it("knows the frontier of visible models", () => {
    expect(frontierOf(table, size, accuracy, all)).toEqual([2, 1, 0]);
    expect(frontierOf(table, size, accuracy, Uint8Array.from([1, 0, 1, 1, 1]))).toEqual([2, 0]);
    expect(frontierOf(table, size, epochs, all)).toBeNull();
  });
});

describe("story", () => {
  const axes = { x: size, y: accuracy };
  it("names the best bargain and the model that it is compared with", () => {
    const title = makeTitle(table, axes, [2, 1, 0]);
    expect(plain(title.text)).toBe("small: −60.0% Size, −1.0 pp Accuracy vs base");
    expect(title.models).toEqual([1]);
    expect(makeTitle(table, { x: accuracy, y: size }, [2, 1, 0]).models).toEqual([1]);
  });
  it("calls a loss within the intervals a tie, and waits for the intervals", () => {
    // 1.96 · √2 · 0.005 = 0.0139 is more than the loss of 0.01
    expect(plain(makeTitle(table, axes, [2, 1, 0], { errorOf: () => 0.005 }).text)).toBe(
      "small: −60.0% Size, Accuracy tied (−1.0 pp) vs base",
    );
    expect(plain(makeTitle(table, axes, [2, 1, 0], { errorOf: null }).text)).toBe("3 models of 5 are on the frontier");
  });
  it("calls the only model of a frontier unbeaten", () => {
    expect(makeTitle(table, axes, [2]).text).toBe("No model beats tiny in either");
  });
  it("counts the frontier where nothing is a bargain", () => {
    expect(plain(makeTitle(table, axes, [2, 0]).text)).toBe("2 models of 5 are on the frontier");
    expect(makeTitle(table, axes, null).text).toBe("Accuracy against Size");
  });
  it("says what is missing, and what a log axis cannot show", () => {
    const notes = missingNotes(table, [
      { metric: epochs, log: true },
      { metric: accuracy, log: false },
    ]).map(plain);
    expect(notes).toEqual([
      "2 models have no Epochs",
      "1 model has Epochs ≤ 0, which a log axis cannot show",
      "1 model has no Accuracy",
    ]);
  });
  it("asks for a direction", () => {
    expect(undirected(size, epochs)).toBe(epochs);
    expect(undirected(size, accuracy)).toBeNull();
  });
});

describe("budget", () => {
  it("limits the bad end", () => {
    expect([size, accuracy, epochs].map(limitsHigh)).toEqual([true, false, true]);
    expect(withBudget(size, undefined, 10)).toEqual([-Infinity, 10]);
    expect(withBudget(accuracy, [0.2, 0.8], 0.5)).toEqual([0.5, 0.8]);
    expect(withBudget(size, [-Infinity, 10], null)).toBeNull();
    expect(budgetOf(size, [-Infinity, 10])).toBe(10);
    expect(budgetOf(accuracy, [-Infinity, 0.8])).toBeNull();
    expect(budgetOf(size, undefined)).toBeNull();
    expect(roundLimit(123_456)).toBe(123_000);
  });
});

describe("pick", () => {
  it("reaches every model of a place", () => {
    expect(nextOf([4, 7, 9], [])).toBe(4);
    expect(nextOf([4, 7, 9], [4])).toBe(7);
    expect(nextOf([4, 7, 9], [9])).toBe(4);
  });
  it("walks along an axis, through equal positions too", () => {
    const positions = [5, 1, 5, Number.NaN, 3];
    const walk = [1, 4, 0, 2];
    walk.slice(1).forEach((next, i) => expect(nextAlong(positions, walk[i]!, 1, () => true)).toBe(next));
    [...walk]
      .reverse()
      .slice(1)
      .forEach((next, i) => {
        expect(nextAlong(positions, [...walk].reverse()[i]!, -1, () => true)).toBe(next);
      });
    expect(nextAlong(positions, 2, 1, () => true)).toBe(2);
    expect(nextAlong(positions, null, 1, (i) => i !== 1)).toBe(4);
  });
});

describe("the room for the labels of the vertical axis", () => {
  const margins = { left: 52, right: 24, top: 8, bottom: 24 };
  it("grows with them, and is never less than what is usual", () => {
    const ruler = (text: string): number => text.length * 6;
    expect(roomFor(["95%"], ruler, margins)).toEqual(margins);
    expect(roomFor(["95%", "8,000 images/s"], ruler, margins).left).toBe(96); // 84 and 12, in steps of 8
  });
});
