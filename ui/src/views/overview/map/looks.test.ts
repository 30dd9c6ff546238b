import { expect, it } from "vitest";
import { makeEncodings } from "@/state/encodings";
import { metric, testTable } from "@/state/testing";
import { CHROME, SEQUENTIAL } from "@/styles/ramps";
import { contrastOf, looksOf } from "./looks";

it("knows the contrast of colors", () => {
  expect(contrastOf("#000", "#fff")).toBeCloseTo(21);
  expect(contrastOf("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

it.each(["light", "dark"] as const)("draws edges and models that can be seen in the theme %s", (theme) => {
  const table = testTable(
    Array.from({ length: 101 }, (_, k) => ({ id: `${k}`, values: [k / 100] })),
    [metric("quality")],
  );
  const looks = looksOf(101, makeEncodings(table, "quality", null, theme), new Uint8Array(101).fill(1));
  const { background } = CHROME[theme];
  const drawn = [...SEQUENTIAL[theme], ...looks.fill, ...looks.band, ...looks.shades[0]];
  expect(Math.min(...drawn.map((color) => contrastOf(color, background)))).toBeGreaterThanOrEqual(3);
});

it("has the hues in the same order in both themes", () => {
  const isGreenish = (color: string): boolean => {
    const [red, green, blue] = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16)) as [number, number, number];
    return green > red && green > blue;
  };
  for (const theme of ["light", "dark"] as const) {
    const green = SEQUENTIAL[theme].map(isGreenish);
    expect([green[0], green[3], green.at(-1)]).toEqual([false, true, false]);
  }
});
