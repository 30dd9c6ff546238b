// @vitest-environment jsdom
import { fireEvent, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { ImageMask } from "@/api/behaviors";
import { CATEGORICAL, OTHER } from "@/styles/ramps";
import { makeApp, show } from "@/testing/app";
import Masks from "./Masks.svelte";
import { colorsOf, decoded, differences, ofClasses, ofDifferences, painted, percent, saidOf } from "./masks";

const mask = (model: string | null, classes: number[], lengths: number[], height = 2): ImageMask => ({
  model,
  height,
  width: lengths.reduce((sum, one) => sum + one, 0) / height,
  step: 1,
  classes,
  lengths,
});
const CLASSES = [
  { number: 0, name: "road" },
  { number: 1, name: "car" },
];
// road road void / car car road
const LABEL = mask(null, [0, -100, 1, 0], [2, 1, 2, 1]);
const BASE = mask("cnn", [0, 1, 0], [3, 2, 1]);
// a car is missed, and a road is called 7
const MODEL = mask("p50", [0, 1, 0, 7], [3, 1, 1, 1]);

describe("a mask", () => {
  it("is spread from its runs", () => {
    expect([...decoded(LABEL)]).toEqual([0, 0, -100, 1, 1, 0]);
  });
  it("lists its classes, the largest first, without what is void", () => {
    const { kinds, void: left } = ofClasses(LABEL, CLASSES, colorsOf(CLASSES, [LABEL], "light"));
    expect(kinds.map(({ name, share }) => [name, share])).toEqual([
      ["road", 0.6],
      ["car", 0.4],
    ]);
    expect(left).toBeCloseTo(1 / 6);
  });
  it("is painted in the colors of its classes; what is void is left out", () => {
    const drawing = { width: 2, height: 1, codes: new Int32Array([1, -100]), void: 0.5 };
    const bytes = painted({ ...drawing, kinds: [{ code: 1, name: "car", color: "#0102ff", share: 1 }] });
    expect([...bytes]).toEqual([1, 2, 255, 255, 0, 0, 0, 0]);
  });
  it("says so where nothing counts", () => {
    expect(saidOf(ofClasses(mask(null, [-100], [4]), CLASSES, new Map()))).toBe("no pixel that counts");
  });
});

describe("colors", () => {
  it("are those of the palette in the order of the classes", () => {
    expect([...colorsOf(CLASSES, [LABEL], "dark").values()]).toEqual(CATEGORICAL.dark.slice(0, 2));
  });
  it("go to the eight largest classes of an image where there are more", () => {
    const many = Array.from({ length: 12 }, (_, number) => ({ number, name: `c${number}` }));
    const lengths = many.map(({ number }) => (number < 4 ? 2 : 10 + number));
    const found = colorsOf(many, [mask(null, [...many.keys()], lengths, 1)], "light");
    expect([0, 1, 2, 3].map((number) => found.get(number))).toEqual(Array(4).fill(OTHER.light));
    expect([4, 11].map((number) => found.get(number))).toEqual([CATEGORICAL.light[0], CATEGORICAL.light[7]]);
  });
});

describe("differences", () => {
  it("tell who is right, pixel by pixel", () => {
    const of = (...pixels: number[]) => new Int32Array(pixels);
    expect([...differences(of(0, 0, 0, 0, -100), of(0, 0, 1, 1, 0), of(0, 1, 0, 2, 1))]).toEqual([0, 1, 2, 3, -1]);
  });
  it("have the share of each kind", () => {
    const drawing = ofDifferences({ label: LABEL, base: BASE, model: MODEL }, ["#a00", "#00a", "#888"]);
    expect(saidOf(drawing)).toBe("only the base is right 40.0%, same class 60.0%");
    expect(painted(drawing).filter((_, at) => at % 4 === 3)).toEqual(new Uint8ClampedArray([0, 0, 0, 0, 255, 255]));
  });
});

describe("percent", () => {
  it.each([
    [0, "0.0%"],
    [0.0001, "<0.1%"],
    [0.1234, "12.3%"],
    [1, "100.0%"],
  ])("of %s is %s", (share, expected) => {
    expect(percent(share)).toBe(expected);
  });
});

describe("Masks", () => {
  const draw = (masks: ImageMask[], models = ["cnn", "p50"], address: string | null = null): void =>
    void show(Masks, { address, masks, classes: CLASSES, models, names: models }, makeApp());
  const picture = (): string => screen.getByRole("img").getAttribute("aria-label")!;

  it("starts with where base and model differ, and switches to each mask", async () => {
    draw([LABEL, BASE, MODEL]);
    expect(picture()).toBe("p50 against the base: only the base is right 40.0%, same class 60.0%");
    await fireEvent.click(screen.getByRole("button", { name: "Label" }));
    expect(picture()).toBe("Label: road 60.0%, car 40.0%");
    expect(screen.getAllByRole("listitem").map((item) => item.textContent.trim())).toEqual([
      "road 60.0%",
      "car 40.0%",
      "void 16.7% of the image",
    ]);
    await fireEvent.click(screen.getByRole("button", { name: "Base" }));
    expect(picture()).toBe("Base cnn: road 66.7%, car 33.3%");
    expect(screen.getByRole("button", { name: "Base" }).getAttribute("aria-pressed")).toBe("true");
  });
  it("shows another model", async () => {
    draw([LABEL, BASE, MODEL, { ...BASE, model: "p90" }], ["cnn", "p50", "p90"]);
    await fireEvent.change(screen.getByRole("combobox"), { target: { value: "p90" } });
    expect(picture()).toBe("p90 against the base: same class 100.0%");
  });
  it("offers what is there", () => {
    draw([LABEL, BASE]);
    expect(picture()).toBe("Label: road 60.0%, car 40.0%");
    for (const name of ["Model", "Differences"])
      expect(screen.getByRole<HTMLButtonElement>("button", { name }).disabled).toBe(true);
  });
  it("tells the classes under the pointer", async () => {
    draw([LABEL, BASE, MODEL]);
    const canvas = document.querySelector("canvas")!;
    canvas.getBoundingClientRect = () => ({ left: 0, top: 0, width: 30, height: 20 }) as DOMRect;
    await fireEvent.pointerMove(canvas, { clientX: 15, clientY: 15 });
    expect(screen.getByText("label car, base car, model road")).toBeTruthy();
    await fireEvent.pointerLeave(canvas);
    expect(screen.queryByText(/label car/)).toBeNull();
  });
  it("lies over the image in its proportions", async () => {
    draw([LABEL, BASE, MODEL], ["cnn", "p50"], "/image.png");
    const image = document.querySelector("img")!;
    Object.defineProperties(image, { naturalWidth: { value: 640 }, naturalHeight: { value: 320 } });
    await fireEvent.load(image);
    expect(image.parentElement!.style.aspectRatio).toBe("640 / 320");
    const canvas = document.querySelector("canvas")!;
    expect(canvas.classList.contains("over")).toBe(false);
    await fireEvent.click(screen.getByRole("button", { name: "Label" }));
    expect(canvas.classList.contains("over")).toBe(true);
    await fireEvent.click(screen.getByRole("button", { name: "Image" }));
    expect(picture()).toBe("Image");
    expect(screen.queryAllByRole("listitem")).toEqual([]);
  });
});
