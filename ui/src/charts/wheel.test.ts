import { describe, expect, it } from "vitest";
import { closer, turnOf } from "./wheel";

const STILL = { deltaX: 0, deltaY: 0, deltaMode: 0, ctrlKey: false, metaKey: false, shiftKey: false };

describe("a wheel", () => {
  it("moves, in pixels or in lines, and sideways with shift", () => {
    expect(turnOf({ ...STILL, deltaX: 2, deltaY: 3 })).toEqual({ zooms: false, across: 2, down: 3 });
    expect(turnOf({ ...STILL, deltaY: 3, deltaMode: 1 })).toEqual({ zooms: false, across: 0, down: 48 });
    expect(turnOf({ ...STILL, deltaY: 3, shiftKey: true })).toEqual({ zooms: false, across: 3, down: 0 });
    expect(turnOf({ ...STILL, deltaX: 2, deltaY: 3, shiftKey: true })).toEqual({ zooms: false, across: 2, down: 3 });
  });

  it("zooms with ctrl, closer when it goes up", () => {
    const up = turnOf({ ...STILL, deltaY: -100, ctrlKey: true });
    expect(up.zooms).toBe(true);
    expect(closer(up)).toBeCloseTo(Math.exp(0.4));
    expect(turnOf({ ...STILL, deltaY: 5, metaKey: true, shiftKey: true })).toEqual({ zooms: true, across: 0, down: 5 });
  });
});
