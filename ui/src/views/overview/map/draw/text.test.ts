import { expect, it } from "vitest";
import { makeEncodings } from "@/state/encodings";
import { testTable, type TestModel } from "@/state/testing";
import { mapLabels } from "../labels";
import { layoutModels } from "../layout";
import { looksOf } from "../looks";
import { mapNames } from "../names";
import type { Context, Scene } from "./scene";
import { drawNames, drawText } from "./text";

const AMOUNTS = [0.5, 0.7, 0.9];
const table = testTable([
  { id: "cnn", operation: "train" },
  ...AMOUNTS.flatMap((amount): TestModel[] => [
    { id: `p${amount}`, base: "cnn", operation: "magnitude prune", parameters: { amount } },
    { id: `p${amount}-ft`, base: `p${amount}`, operation: "finetune", parameters: { epochs: 3 } },
    { id: `p${amount}-w4`, base: `p${amount}-ft`, operation: "quantize", parameters: { bits: 4 } },
    { id: `p${amount}-w8`, base: `p${amount}-ft`, operation: "quantize", parameters: { bits: 8 } },
  ]),
]);
const layout = layoutModels(table, "operation");
const everything = new Uint8Array(table.count).fill(1);
const scene: Scene = {
  ...{ table, layout, places: layout, labels: mapLabels(table, layout.columns) },
  looks: looksOf(table.count, makeEncodings(table, null, null, "light"), everything),
  names: mapNames(table, layout.shown, false),
};
const LETTER = 6;
const fonts = { text: "sans-serif", mono: "monospace" };

interface Written {
  text: string;
  left: number;
  right: number;
  y: number;
}

/** A context of which only what is written is of interest. */
function recorder(): { ctx: Context; written: Written[] } {
  const written: Written[] = [];
  const ctx = {
    textAlign: "left",
    textBaseline: "middle",
    measureText: (text: string) => ({ width: LETTER * text.length }),
    fillRect: () => undefined,
    strokeText: () => undefined,
    fillText(text: string, x: number, y: number) {
      const width = LETTER * text.length;
      const left = this.textAlign === "right" ? x - width : x;
      written.push({ text, left, right: left + width, y: this.textBaseline === "middle" ? y : y - 4 });
    },
  };
  return { ctx: ctx as unknown as Context, written };
}

it.each([16, 24, 40])("writes names of selected models where nothing else is written, with rows of %d pixels", (ky) => {
  const frame = { width: 1000, height: 800, view: { kx: 210, ky, tx: 60, ty: 40 } };
  const { ctx, written } = recorder();
  drawText(ctx, scene, frame, fonts);
  const before = written.length;
  const inner = [...table.ids.keys()].filter((i) => layout.children[i]!.length > 0);
  drawNames(ctx, scene, frame, inner, fonts);
  // every selected model but the root, whose id stands there already
  expect(written.slice(before).map(({ text }) => text)).toHaveLength(2 * AMOUNTS.length);
  expect(new Set(written.filter(({ text }) => text.includes("prune")).map(({ text }) => text)).size).toBe(12);
  for (const [k, a] of written.entries()) {
    for (const b of written.slice(k + 1)) {
      const apart = a.right <= b.left || b.right <= a.left || Math.abs(a.y - b.y) >= 10;
      expect(apart, `${a.text} / ${b.text}`).toBe(true);
    }
  }
});
