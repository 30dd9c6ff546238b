import { describe, expect, it } from "vitest";
import { namesOf, namesWithin, pathNames, wholeNames } from "./steps";
import { testTable, type TestModel } from "./testing";

const prune = (id: string, base: string, amount: number, kind = "magnitude prune"): TestModel => ({
  id,
  base,
  operation: kind,
  parameters: { amount },
});
const finetune = (id: string, base: string): TestModel => ({
  id,
  base,
  operation: "finetune",
  parameters: { epochs: 3 },
});
const table = testTable([
  { id: "cnn", operation: "train", parameters: { epochs: 9 } },
  prune("cnn-p70", "cnn", 0.7),
  prune("cnn-p90", "cnn", 0.9),
  finetune("cnn-p70-ft", "cnn-p70"),
  finetune("cnn-p90-ft", "cnn-p90"),
  { id: "cnn-p70-ft-w4", base: "cnn-p70-ft", operation: "quantize", parameters: { bits: 4 } },
  prune("cnn-g70", "cnn", 0.7, "gradient prune"),
  finetune("again", "cnn-p70"),
]);
const names = (...ids: string[]): string[] => {
  const rows = ids.map((id) => table.indexOf.get(id)!);
  const found = pathNames(table, rows);
  return rows.map((row) => found.get(row)!);
};

describe("pathNames", () => {
  it("tell how paths differ, the model that all come from by its id", () => {
    expect(names("cnn", "cnn-p70", "cnn-p70-ft", "cnn-p70-ft-w4")).toEqual([
      "cnn",
      "prune 0.7",
      "prune 0.7 → ft",
      "prune 0.7 → ft → quantize 4 bits",
    ]);
    expect(names("cnn-p70", "cnn-p70-ft")).toEqual(["cnn-p70", "ft"]);
  });
  it("name the kind of an operation where there are several of it", () => {
    expect(names("cnn-p70", "cnn-g70")).toEqual(["magnitude prune 0.7", "gradient prune 0.7"]);
  });
  it("say how long a model was tuned only where that differs", () => {
    const long = { id: "long", base: "cnn", operation: "finetune", parameters: { epochs: 9 } };
    const other = testTable([{ id: "cnn" }, long, { ...long, id: "short", parameters: { epochs: 3 } }]);
    expect([...pathNames(other, [1, 2]).values()]).toEqual(["ft 9 epochs", "ft 3 epochs"]);
  });
  it("are ids where nobody said how a model was made", () => {
    const other = testTable([{ id: "cnn" }, { id: "small", base: "cnn" }, prune("small-p50", "small", 0.5)]);
    expect([...pathNames(other, [0, 1, 2]).values()]).toEqual(["cnn", "small", "small → prune 0.5"]);
    expect([0, 1, 2].map(wholeNames(other, false))).toEqual(["cnn", "small", "small → prune 0.5"]);
    expect([0, 2].map(wholeNames(other, true))).toEqual(["cnn", "small-p50"]);
  });
  it("are never equal", () => {
    expect(names("cnn-p70-ft", "again", "cnn-p90-ft")).toEqual([
      "prune 0.7 → ft (cnn-p70-ft)",
      "prune 0.7 → ft (again)",
      "prune 0.9 → ft",
    ]);
  });
  it("tell all that was done to a model alone", () => {
    expect(names("cnn-p70-ft")).toEqual(["prune 0.7 → ft"]);
    expect(names("cnn")).toEqual(["cnn"]);
    expect(names()).toEqual([]);
  });
});

describe("namesWithin", () => {
  const rows = [...table.ids.keys()];
  it("are apart, no longer than asked, and keep the numbers that differ", () => {
    for (const limit of [12, 16, 20, 24, 30, 40]) {
      const short = [...namesWithin(table, rows, { byId: false, limit }).values()];
      expect(new Set(short).size).toBe(rows.length);
      for (const name of short) expect(name.length).toBeLessThanOrEqual(limit);
    }
    expect(namesWithin(table, rows, { byId: false, limit: 24 }).get(4)).toMatch(/0\.9/);
  });
  it("say the steps in short words before any of these is cut", () => {
    const at = (limit: number): string => namesWithin(table, rows, { byId: false, limit }).get(5)!;
    expect([44, 39, 23].map(at)).toEqual([
      "magnitude prune 0.7 → ft → quantize 4 bits",
      "mag prune 0.7 → ft → w4",
      "mag prune 0.7 → ft → w4",
    ]);
    expect(at(18)).toMatch(/→ w4$/);
  });
  it("keep a word whole where its short form is that of another model", () => {
    const clash = testTable([
      { id: "cnn" },
      prune("a", "cnn", 0.5, "magnitude prune"),
      prune("b", "cnn", 0.5, "mag prune"),
    ]);
    const found = [...namesWithin(clash, [1, 2], { byId: false, limit: 14 }).values()];
    expect(new Set(found).size).toBe(2);
  });
  it("are ids where these are asked for, and where a path has no room", () => {
    expect(namesWithin(table, rows, { byId: true, limit: 40 }).get(1)).toBe("cnn-p70");
    expect(namesOf(table, [5], false)(7)).toEqual(["…70-ft-w4".slice(-7)].map(() => expect.any(String)));
    expect(namesOf(table, [3, 4, 5], false)(4).every((name) => !name.includes("→"))).toBe(true);
  });
});
