import { describe, expect, it } from "vitest";
import { metric, testTable } from "@/state/testing";
import { candidatesOf, decisive, verdictOf } from "./candidates";

const accuracy = metric("Accuracy", { primary: true, higher_is_better: true, min: 0, max: 1, format: ".1%" });
const size = metric("Size", { unit: "B", primary: true, higher_is_better: false, min: 0 });
const table = testTable(
  [
    { id: "cnn", values: [0.983, 400] },
    { id: "int8", base: "cnn", values: [0.982, 100] },
    { id: "int4", base: "cnn", values: [0.981, 50] },
    { id: "int2", base: "cnn", values: [0.5, 25] },
    { id: "lut4", base: "cnn", values: [0.979, 50] },
    { id: "new", base: "cnn", values: [null, 10] },
  ],
  [accuracy, size],
);
const both = decisive(table.metrics)!;
const plain = (text: string): string => text.replaceAll("\u00a0", " ");
const verdict = (models: number[], error: number | null = 0.005): string =>
  plain(
    verdictOf(
      candidatesOf(table, models, both, () => error),
      both,
      (model) => table.ids[model]!,
    ),
  );

describe("the verdict", () => {
  it("is the cheapest of those that tie with the best", () => {
    expect(verdict([0, 1, 2, 3])).toBe("int4: −87.5% Size, Accuracy ties with cnn");
  });
  it("names all that tie in both", () => {
    expect(verdict([0, 1, 2, 4])).toBe("int4 and lut4: −87.5% Size, Accuracy ties with cnn; they tie");
  });
  it("says where nothing keeps the quality of the base", () => {
    expect(verdict([0, 3])).toBe("No candidate keeps the Accuracy of cnn at a lower Size");
    expect(verdict([0, 2], null)).toBe("No candidate keeps the Accuracy of cnn at a lower Size");
  });
  it("is none where there is nothing to judge by", () => {
    expect(verdict([0, 5])).toBe("");
    expect(verdict([5, 0])).toBe("");
    expect(decisive([accuracy])).toBeNull();
  });
});

describe("a candidate", () => {
  it("has its interval where an error is known", () => {
    const [one] = candidatesOf(table, [0], both, () => 0.01);
    expect(plain(one!.qualityText)).toBe("98.3% (96.3–100.0)");
    expect(candidatesOf(table, [5], both, () => null)[0]).toMatchObject({ quality: null, interval: null });
  });
});
