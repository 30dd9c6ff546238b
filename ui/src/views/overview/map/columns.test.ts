import { describe, expect, it } from "vitest";
import { chains } from "@/state/testing";
import { columnsByOperation, columnsByStep } from "./columns";

const names = (texts: string[]): (string | null)[] =>
  columnsByOperation(chains(...texts)).columns.map(({ operation }) => operation);

describe("columnsByOperation", () => {
  it("gives equal operations one column and repeated ones another", () => {
    expect(names(["train", "train > prune 0.5", "train > prune 0.9", "train > prune 0.5 > train"])).toEqual([
      "train",
      "prune",
      "train",
    ]);
  });

  it("puts an operation after all that precede it anywhere", () => {
    // quantize follows train directly and follows prune: one column, behind prune.
    const found = names(["train", "train > quantize", "train > prune", "train > prune > quantize"]);
    expect(found).toEqual(["train", "prune", "quantize"]);
  });

  it("repeats a column only where lineages disagree about the order", () => {
    const found = names([
      "train",
      "train > prune",
      "train > prune > quantize",
      "train > quantize",
      "train > quantize > prune",
    ]);
    expect(found).toHaveLength(4);
    expect([...found].sort()).toContain("prune");
  });

  it("lets every edge run left to right, whatever the order of lineages", () => {
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    const texts = ["t"];
    while (texts.length < 300) {
      const parent = texts[random(texts.length)]!;
      const text = `${parent} > ${"abcdef"[random(6)]} ${texts.length}`;
      if (parent.split(">").length < 7) texts.push(text);
    }
    const table = chains(...texts);
    const { of, columns } = columnsByOperation(table);
    table.base.forEach((base, i) => expect(base < 0 || of[base]! < of[i]!).toBe(true));
    columns.forEach(({ operation, models }, k) =>
      models.forEach((i) => {
        expect(table.operation[i]).toBe(operation);
        expect(of[i]).toBe(k);
      }),
    );
    expect(columns.reduce((sum, { models }) => sum + models.length, 0)).toBe(table.count);
  });

  it("places several roots and a project without models", () => {
    expect(names(["train", "pretrain", "pretrain > prune"])).toEqual(["pretrain", "train", "prune"]);
    expect(columnsByOperation(chains()).columns).toEqual([]);
  });
});

describe("columnsByStep", () => {
  it("names a column only when all its models agree", () => {
    const { of, columns } = columnsByStep(chains("train", "train > prune", "train > quantize", "train > prune > tune"));
    expect([...of]).toEqual([0, 1, 1, 2]);
    expect(columns.map(({ operation }) => operation)).toEqual(["train", null, "tune"]);
  });
});
