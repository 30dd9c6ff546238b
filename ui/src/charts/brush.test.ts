import { describe, expect, it } from "vitest";
import { makeAxis } from "./axis";
import { dragRange, moveEnd } from "./brush";

const metric = { name: "m", unit: "", format: "", higher_is_better: null, min: null, max: null };
const axis = makeAxis(metric, [0, 10], { range: [0, 100], count: 5 });

describe("dragRange", () => {
  it("goes between two pixels in any direction", () => expect(dragRange(axis, 70, 20, [0, 10])).toEqual([2, 7]));
  it("is open where it reaches the end", () => expect(dragRange(axis, 20, 100, [0, 10])).toEqual([2, Infinity]));
  it("is none when it takes in everything", () => expect(dragRange(axis, 0, 100, [0, 10])).toBeNull());
  it("rounds to four digits", () => expect(dragRange(axis, 33.33333, 66.66666, [0, 10])).toEqual([3.333, 6.667]));
});

describe("moveEnd", () => {
  const edges = [0, 1, 2, 3];
  it("steps over the edges", () => {
    expect(moveEnd(null, 0, 1, edges)).toEqual([1, Infinity]);
    expect(moveEnd([1, Infinity], 0, -1, edges)).toBeNull();
    expect(moveEnd(null, 1, -1, edges)).toEqual([-Infinity, 2]);
    expect(moveEnd([1, 2], 1, 1, edges)).toEqual([1, Infinity]);
  });
  it("never lets the ends cross", () => expect(moveEnd([1, 2], 0, 1, edges)).toEqual([1, 2]));
});
