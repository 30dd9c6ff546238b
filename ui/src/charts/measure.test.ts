// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";
import { install } from "@/testing/browser";
import { lettersIn, rulerOf } from "./measure";

describe("rulers", () => {
  beforeEach(install);
  it("ask the browser: its letters are six pixels wide here", () => {
    const ruler = rulerOf("font", 11);
    expect(ruler("finetuned")).toBe(54);
    expect(ruler("")).toBe(0);
  });
  it("take letters to be wide where there is nothing to draw on", () => {
    Object.assign(HTMLCanvasElement.prototype, { getContext: () => null });
    expect(rulerOf("mono", 10)("abcde")).toBeCloseTo(31);
  });
  it("say how many letters have room, at least three", () => {
    const ruler = (text: string): number => [...text].reduce((sum, letter) => sum + (letter === "m" ? 10 : 5), 0);
    expect(lettersIn(60, ["mm", "iiii"], ruler)).toBe(6);
    expect(lettersIn(60, ["mi"], ruler)).toBe(8);
    expect(lettersIn(4, ["mm"], ruler)).toBe(3);
    expect(lettersIn(60, [], ruler)).toBeGreaterThan(1000);
  });
});
