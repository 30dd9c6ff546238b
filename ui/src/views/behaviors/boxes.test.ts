// @vitest-environment jsdom
import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import Boxes from "./Boxes.svelte";
import { frameOf, saidOf } from "./boxes";

const box = (right: boolean, score = 0.9, corners = [2, 4, 10, 12]) => ({ class: "dog", box: corners, score, right });

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

describe("Boxes", () => {
  it("draws the objects, then what each model found of them, leaving out what is not sure", () => {
    render(Boxes, {
      address: null,
      found: [
        { model: null, boxes: [box(true, 1), box(false, 1)] },
        { model: "base", boxes: [box(true), box(false, 0.2)] },
      ],
    });
    const [objects, base] = screen.getAllByRole("img");
    expect(objects?.getAttribute("aria-label")).toBe("Objects: 2 objects");
    expect(objects?.querySelectorAll("rect.object")).toHaveLength(2);
    expect(base?.getAttribute("aria-label")).toBe("base: 1 found");
    expect(base?.querySelectorAll("rect")).toHaveLength(1);
  });
});
