// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, describe, expect, it } from "vitest";
import type { ObjectMask } from "@/api/behaviors";
import Boxes from "./Boxes.svelte";
import { edgesOf, fillOf, frameOf, outlineOf, saidOf } from "./boxes";

const box = (right: boolean, score = 0.9, corners = [2, 4, 10, 12], mask: ObjectMask | null = null) => ({
  class: "dog",
  box: corners,
  score,
  right,
  mask,
});
// Two rows and three columns: nothing in the first, the lower pixel of the second, both of the third.
const MASK: ObjectMask = { height: 2, width: 3, step: 1, counts: [3, 3] };

afterEach(cleanup);

describe("saidOf", () => {
  it.each([
    [null, [box(true, 1)], "1 object"],
    [null, [box(true, 1), box(false, 1)], "2 objects"],
    ["m", [box(true), box(true)], "2 found"],
    ["m", [box(true), box(false)], "1 found, 1 that is none"],
    ["m", [box(false), box(false)], "0 found, 2 that are none"],
    ["m", [box(true), box(false, 0.3)], "1 found"],
    ["m", [], "0 found"],
  ])("of %s says what counts", (model, boxes, expected) => {
    expect(saidOf(model, boxes)).toBe(expected);
  });
});

describe("frameOf", () => {
  it("holds every box", () => {
    expect(frameOf([{ model: null, boxes: [box(true, 1, [0, 0, 30, 8]), box(true, 1, [1, 1, 4, 50])] }])).toEqual([
      30, 50,
    ]);
    expect(frameOf([])).toEqual([1, 1]);
  });
});

describe("a mask", () => {
  it("begins and ends in each column", () => {
    expect(edgesOf(MASK)).toEqual([[], [1, 2], [0, 2]]);
    expect(edgesOf({ ...MASK, counts: [0, 1, 2, 1, 2] })).toEqual([[0, 1], [1, 2], []]);
    expect(edgesOf({ ...MASK, counts: [6] })).toEqual([[], [], []]);
  });
  it("is filled by column", () => {
    expect(fillOf(MASK)).toBe("M1 1h1v1h-1zM2 0h1v2h-1z");
    expect(fillOf({ ...MASK, step: 3 })).toBe("M3 3h3v3h-3zM6 0h3v6h-3z");
  });
  it("has an outline without the lines between its own pixels", () => {
    const above = "M1 1h1M1 2h1M2 0h1M2 2h1";
    // left of the second column, left of the third where the second is empty, and right of the third
    expect(outlineOf(MASK)).toBe(`${above}M1 1v1M2 0v1M3 0v2`);
    expect(outlineOf({ ...MASK, counts: [6] })).toBe("");
  });
  it("is as large as the image, if boxes are smaller", () => {
    const found = [{ model: null, boxes: [box(true, 1, [0, 0, 1, 1], { ...MASK, step: 2 })] }];
    expect(frameOf(found)).toEqual([6, 4]);
  });
});

const NAMED = { models: ["base"], names: ["float"] };

describe("Boxes", () => {
  it("draws masks filled, outlined or not at all, with boxes or without", async () => {
    const boxes = [box(true, 0.9, [1, 0, 3, 2], MASK), box(false, 0.8, [0, 0, 1, 1], MASK), box(false, 0.2)];
    const { container } = render(Boxes, { ...NAMED, address: null, found: [{ model: "base", boxes }] });
    const drawn = () => ["path.fill", "path.outline", "rect"].map((one) => container.querySelectorAll(one).length);
    expect(drawn()).toEqual([2, 2, 2]);
    expect(container.querySelector("g.wrong title")?.textContent).toContain("no such object");
    expect(container.textContent).toContain("its mask overlaps by half");
    await fireEvent.click(screen.getByRole("button", { name: "Outlined" }));
    expect(drawn()).toEqual([0, 2, 2]);
    await fireEvent.click(screen.getByRole("button", { name: "Boxes" }));
    expect(drawn()).toEqual([0, 2, 0]);
    await fireEvent.click(screen.getByRole("button", { name: "No masks" }));
    expect(drawn()).toEqual([0, 0, 0]);
  });
  it("has nothing to choose without masks", () => {
    render(Boxes, { ...NAMED, address: null, found: [{ model: "base", boxes: [box(true)] }] });
    expect(screen.queryByRole("button")).toBeNull();
  });
  it("draws the objects, then what each model found of them, leaving out what is not sure", () => {
    render(Boxes, {
      ...NAMED,
      address: null,
      found: [
        { model: null, boxes: [box(true, 1), box(false, 1)] },
        { model: "base", boxes: [box(true), box(false, 0.2)] },
      ],
    });
    const [objects, base] = screen.getAllByRole("img");
    expect(objects?.getAttribute("aria-label")).toBe("Objects: 2 objects");
    expect(objects?.querySelectorAll(".object rect")).toHaveLength(2);
    expect(base?.getAttribute("aria-label")).toBe("float: 1 found");
    expect(base?.querySelectorAll("rect")).toHaveLength(1);
  });
});
