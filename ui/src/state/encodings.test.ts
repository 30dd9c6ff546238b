import { describe, expect, it } from "vitest";
import { CHROME } from "@/styles/ramps";
import { makeEncodings, RADIUS_DEFAULT, SHADES } from "./encodings";
import { metric, testTable } from "./testing";

const table = testTable(
  [
    { id: "a", values: [0.2, 100, null, -1] },
    { id: "b", values: [0.59, 25, null, 1] },
    { id: "c", values: [1, 0, null, 0] },
    { id: "d", values: [null, NaN, null, Infinity] },
  ],
  [metric("quality"), metric("bytes"), metric("nothing"), metric("signed")],
);

describe("makeEncodings", () => {
  it("spreads the ramp over the domain", () => {
    const encodings = makeEncodings(table, "quality", null, "light");
    expect(encodings.colorScale!.domain).toEqual([0.2, 1]);
    expect([0, 1, 2].map(encodings.shade)).toEqual([0, 31, SHADES - 1]);
    expect(encodings.color(0)).toBe(encodings.shades[0]);
    expect(encodings.color(2)).toBe(encodings.colorOf(1));
    expect(encodings.shades).toHaveLength(SHADES);
  });

  it("ends the colors where a person says, on the worse side", () => {
    const high = testTable(
      [...table.ids].map((id, i) => ({ id, values: [table.values.get("quality")![i]!] })),
      [{ ...metric("quality"), higher_is_better: true }],
    );
    const encodings = makeEncodings(high, "quality", null, "light", 0.6);
    expect(encodings.colorScale!.domain).toEqual([0.6, 1]);
    expect(encodings.colorScale!.whole).toEqual([0.2, 1]);
    // a, b and d: 0.2 and 0.59 are worse than 0.6, and what is missing is not
    expect([0, 1, 2, 3].map(encodings.isBeyond)).toEqual([true, true, false, false]);
    expect(encodings.color(0)).toBe(encodings.shades[0]);
    const low = { ...high, metrics: [{ ...high.metrics[0]!, higher_is_better: false }] };
    expect([0, 1, 2].map(makeEncodings(low, "quality", null, "light", 0.6).isBeyond)).toEqual([false, false, true]);
    expect(makeEncodings(high, "quality", null, "light", 7).colorScale!.domain).toEqual([0.2, 1]);
  });

  it("leaves out what is missing or not finite", () => {
    const encodings = makeEncodings(table, "quality", "bytes", "light");
    expect(encodings.color(3)).toBeNull();
    expect(encodings.size(3)).toBeNull();
    expect(makeEncodings(table, "nothing", "nothing", "dark").color(0)).toBeNull();
    expect(makeEncodings(table, "signed", null, "dark").color(3)).toBeNull();
  });

  it("makes areas follow values that start at zero, and never vanish", () => {
    const encodings = makeEncodings(table, null, "bytes", "light");
    expect(encodings.size(0)! / encodings.size(1)!).toBeCloseTo(2);
    expect(encodings.size(2)).toBe(2.5);
  });

  it("uses the whole range of sizes for values of both signs", () => {
    const encodings = makeEncodings(table, null, "signed", "light");
    expect([0, 2, 1].map((i) => encodings.size(i))).toEqual([2.5, 5.5, 11]);
  });

  it("is neutral without metrics, or with unknown ones", () => {
    for (const name of [null, "unknown"]) {
      const encodings = makeEncodings(table, name, name, "dark");
      expect(encodings.color(3)).toBe(CHROME.dark.mark);
      expect(encodings.size(3)).toBe(RADIUS_DEFAULT);
    }
  });

  it("gives a metric that is the same everywhere one color", () => {
    const same = testTable(
      [
        { id: "a", values: [3] },
        { id: "b", values: [3] },
      ],
      [metric("m")],
    );
    const encodings = makeEncodings(same, "m", "m", "light");
    expect(encodings.color(0)).toBe(encodings.color(1));
    expect(encodings.size(0)).toBe(11);
  });
});
