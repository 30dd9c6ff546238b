import { expect, it } from "vitest";
import { SvgPen } from "@/export/svgPen";
import { candidatesPicture, wrapped, type Shown } from "./candidatesPicture";

const measure = (text: string): TextMetrics => ({ width: text.length * 8 }) as TextMetrics;
const ROWS: Shown["rows"] = [
  { model: 0, quality: { value: 0.98 }, cost: { value: 1000 }, qualityText: "98.0%", costText: "1 kB", interval: null },
  {
    model: 1,
    quality: { value: 0.97 },
    cost: { value: 500 },
    qualityText: "97.0% (96.0–98.0)",
    costText: "500 B",
    interval: [0.96, 0.98],
  },
];
const SHOWN: Shown = {
  rows: ROWS,
  verdict: "quantize 4 bits: −50% Size, Accuracy ties with cnn",
  names: ["cnn", "quantize 4 bits"],
  ids: ["cnn", "cnn-w4"],
  cost: "Size",
  quality: "Accuracy",
  theme: "light",
  font: "sans-serif",
};

function drawn(slide: boolean): { svg: string; width: number; height: number } {
  const { width, height, draw } = candidatesPicture(SHOWN, slide);
  const pen = new SvgPen(measure);
  draw(pen);
  return { svg: pen.toSvg(width, height), width, height };
}

it("is a slide of 16 : 9, or as high as its rows", () => {
  const slide = drawn(true);
  expect(slide.width / slide.height).toBeCloseTo(16 / 9);
  expect(drawn(false).height).toBeLessThan(slide.height);
});

it("has the verdict, the names, the ids that differ, and the numbers", () => {
  const { svg } = drawn(false);
  for (const text of [SHOWN.verdict, "cnn (base)", "cnn-w4", "98.0%", "97.0% (96.0–98.0)", "500 B", "Accuracy, 95%"]) {
    expect(svg).toContain(text);
  }
});

it("breaks lines between words", () => {
  expect(wrapped({ measureText: measure }, "one two three", 8 * 7)).toEqual(["one two", "three"]);
});
