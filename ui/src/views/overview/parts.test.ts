// @vitest-environment jsdom
import { ACCURACY, BYTES, clipboard, makeApp, TABLE } from "@/testing/app";
import { describe, expect, it } from "vitest";
import { testTable } from "@/state/testing";
import { linkAction, modelActions, modelsOffer } from "./actions";
import { countsInWords, isSuspicious, verdict } from "./details/coverage";
import { metricFacets, operationFacets, rangeWords, tagFacet, toggled, withKey } from "./details/facets";
import { sortedOrder } from "@/state/order";
import { nextAlong, nextOf } from "./scatter/pick";
import { frontierOf } from "./scatter/scene";
import { makeTitle, missingNotes, undirected } from "./scatter/story";

describe("the menu of a model", () => {
  const open = (model: number, address = "") => {
    const app = makeApp({ address });
    const items = modelActions(app, model)
      .flat()
      .filter(({ unless }) => !unless);
    const run = (label: string): void => items.find((item) => item.label === label)!.run!();
    return { app, labels: items.map(({ label }) => label), run };
  };

  it("offers of a root no base, and of a leaf nothing below", () => {
    expect(open(0).labels).not.toContain("Compare with its parent");
    expect(open(0).labels).toContain("Select it and its descendants");
    expect(open(4).labels).toContain("Compare with its parent");
    expect(open(4).labels).not.toContain("Collapse");
  });
  it("selects what belongs to a model", () => {
    const { app, run } = open(1);
    run("Compare with its parent");
    expect([...app.view.selection]).toEqual([0, 1]);
    run("Select its lineage");
    expect([...app.view.selection]).toEqual([0, 1]);
    run("Select it and its descendants");
    expect([...app.view.selection]).toEqual([1, 2]);
    run("Select its children");
    expect([...app.view.selection]).toEqual([2]);
    run("Open");
    expect([[...app.view.selection], app.view.state.tab]).toEqual([[1], "selection"]);
  });
  it("adds to a selection, or takes away", () => {
    const { app, labels, run } = open(1, "/overview?sel=cnn");
    expect(labels).toContain("Add to the selection");
    run("Add to the selection");
    expect([...app.view.selection]).toEqual([0, 1]);
    expect(open(0, "/overview?sel=cnn").labels).toContain("Remove from the selection");
  });
  it("folds and unfolds", () => {
    const { app, run } = open(1);
    run("Collapse");
    expect(app.view.state.collapsed).toEqual(["p50"]);
    const again = modelActions(app, 1)
      .flat()
      .find(({ label }) => label === "Expand")!;
    again.run!();
    expect(app.view.state.collapsed).toEqual([]);
  });
  it("copies the id, and the link to what is on the screen", () => {
    open(1).run("Copy id");
    expect(clipboard.writeText).toHaveBeenLastCalledWith("p50");
    linkAction().run!();
    expect(clipboard.writeText).toHaveBeenLastCalledWith(location.href);
  });
});

describe("models as a table", () => {
  it("have a row each, with what they are and measure", () => {
    const { header, rows } = modelsOffer("the models", TABLE, [0, 4]);
    expect(header).toEqual(["id", "base", "operation", "parameters", "step", "tags", "Accuracy", "Size"]);
    expect([...rows()]).toEqual([
      ["cnn", null, "train", "epochs=3", 0, "", 0.98, 400_000],
      ["new", "cnn", "quantize", "bits=4", 1, "", null, 50_000],
    ]);
  });
});

describe("what filters offer", () => {
  it("is a histogram of each metric, and how many have none", () => {
    const facets = metricFacets(TABLE);
    expect(facets.map(({ metric, missing }) => [metric.name, missing])).toEqual([
      ["Accuracy", 1],
      ["Size", 0],
    ]);
    expect(facets[0]!.bins.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
  });
  it("is each operation, and the values in which its models differ", () => {
    const prune = operationFacets(TABLE).find(({ text }) => text === "prune")!;
    expect(prune.count).toBe(2);
    expect(prune.parameters).toEqual([
      {
        key: "prune.amount",
        name: "amount",
        choices: [
          { text: "0.5", count: 1 },
          { text: "0.9", count: 1 },
        ],
      },
    ]);
    expect(operationFacets(TABLE).find(({ text }) => text === "train")!.parameters).toEqual([]);
  });
  it("is each tag", () => expect(tagFacet(TABLE)).toEqual([{ text: "half", count: 1 }]));
  it("comes and goes", () => {
    expect(toggled(["a"], "b")).toEqual(["a", "b"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
    expect(withKey({ a: 1 }, "b", 2)).toEqual({ a: 1, b: 2 });
    expect(withKey({ a: 1, b: 2 }, "a", null)).toEqual({ b: 2 });
  });
  it("says a range in words, open at an end or not there", () => {
    const [accuracy] = metricFacets(TABLE);
    expect(rangeWords(accuracy!, [0.5, 0.75])).toBe("50.0% – 75.0%");
    expect(rangeWords(accuracy!, [-Infinity, 0.75])).toBe("≤ 75.0%");
    expect(rangeWords(accuracy!, [0.5, Infinity])).toBe("≥ 50.0%");
    expect(rangeWords(accuracy!, undefined)).toMatch(/^\d+% – \d+%$/);
  });
});

describe("the coverage proof in words", () => {
  it("says first what to look at", () => {
    const counts = { unchanged: 3, changed: 2, unexpected: 1, skipped: 1 };
    expect(countsInWords(counts).map(({ status }) => status)).toEqual([
      "unexpected",
      "skipped",
      "changed",
      "unchanged",
    ]);
    expect(verdict(counts)).toMatch(/^2 of 7.tensors/);
    expect(verdict({ changed: 2, unchanged: 1200 })).toMatch(/^1,202.tensors/);
    expect(["unexpected", "skipped", "changed"].map(isSuspicious)).toEqual([true, true, false]);
  });
});

describe("what a click or a key on the scatterplot takes", () => {
  it("is the next of several at one place", () => {
    expect(nextOf([3, 5, 7], [])).toBe(3);
    expect(nextOf([3, 5, 7], [5])).toBe(7);
    expect(nextOf([3, 5, 7], [7])).toBe(3);
  });
  it("is the nearest on that side, those at one place one after another", () => {
    const positions = [10, 30, 20, 20, NaN];
    const all = (): boolean => true;
    expect(nextAlong(positions, 0, 1, all)).toBe(2);
    expect(nextAlong(positions, 2, 1, all)).toBe(3);
    expect(nextAlong(positions, 3, 1, all)).toBe(1);
    expect(nextAlong(positions, 1, 1, all)).toBe(1);
    expect(nextAlong(positions, 1, -1, all)).toBe(3);
    expect(nextAlong(positions, null, 1, all)).toBe(0);
    expect(nextAlong(positions, 0, 1, (model) => model === 1)).toBe(1);
  });
});

describe("what the scatterplot says", () => {
  const visible = new Uint8Array(TABLE.count).fill(1);
  const frontier = frontierOf(TABLE, BYTES, ACCURACY, visible)!;

  it("knows the models that no other beats", () => {
    expect([...frontier].sort()).toEqual([0, 2, 3]);
    const without = Uint8Array.from(visible, (_, model) => (model === 2 ? 0 : 1));
    expect([...frontierOf(TABLE, BYTES, ACCURACY, without)!].sort()).toEqual([0, 1, 3]);
  });
  it("is the best bargain: half the size for one point", () => {
    const title = makeTitle(TABLE, { x: BYTES, y: ACCURACY }, frontier);
    expect(title.text).toMatch(/−50.*Size.*−1.*Accuracy/);
    expect(title.models).toEqual([2]);
    expect(makeTitle(TABLE, { x: ACCURACY, y: BYTES }, frontier).models).toEqual([2]);
  });
  it("names the metric that does not say which direction is better", () => {
    const open = { ...BYTES, higher_is_better: null };
    expect(undirected(BYTES, ACCURACY)).toBeNull();
    expect(undirected(open, ACCURACY)).toBe(open);
  });
  it("says what is not shown, and why", () => {
    const notes = missingNotes(TABLE, [
      { metric: BYTES, log: false },
      { metric: ACCURACY, log: false },
    ]);
    expect(notes).toEqual([expect.stringMatching(/^1.model has no Accuracy$/)]);
    const zero = testTable(
      [
        { id: "a", values: [0] },
        { id: "b", values: [2] },
      ],
      [BYTES],
    );
    expect(missingNotes(zero, [{ metric: BYTES, log: true }])[0]).toMatch(/^1.model has Size ≤ 0/);
  });
});

describe("an order", () => {
  it("is stable, with words by their numbers and what is missing last", () => {
    expect(sortedOrder(["b", "a", "b", null], false)).toEqual([1, 0, 2, 3]);
    expect(sortedOrder(["b", "a", "b", null], true)).toEqual([0, 2, 1, 3]);
    expect(sortedOrder([true, false, null], false)).toEqual([1, 0, 2]);
  });
});
