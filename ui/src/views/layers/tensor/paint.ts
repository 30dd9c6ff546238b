/** Cells as colors. */
import { rgb } from "d3-color";
import { interpolateRgbBasis } from "d3-interpolate";
import type { Shown, Tile } from "@/api/tensors";

export type Reduction = "mean" | "peak";
type Color = readonly [number, number, number];

/** What cells are painted with; a mask has a color for each kind of zero, and one for what is not zero. */
export interface Paint {
  readonly what: Shown;
  readonly cell: Reduction;
  /** A number of this size has the full color. */
  readonly limit: number;
  readonly ramp: Uint8ClampedArray;
  readonly missing: Color;
  readonly mask: { readonly both: Color; readonly model: Color; readonly base: Color; readonly none: Color };
}

const STEPS = 511;
const MASKS = ["zero_both", "zero_model_only", "zero_base_only"] as const;

/** A diverging ramp as bytes, zero in the middle. */
export function rampBytes(colors: readonly string[]): Uint8ClampedArray {
  const ramp = interpolateRgbBasis([...colors]);
  const bytes = new Uint8ClampedArray(STEPS * 3);
  for (let i = 0; i < STEPS; i++) bytes.set(colorOf(ramp(i / (STEPS - 1))), 3 * i);
  return bytes;
}

export function colorOf(text: string): Color {
  const { r, g, b } = rgb(text.trim());
  return [r, g, b];
}

/** Red, green, blue and opacity of each cell, row by row. */
export function pixels(tile: Tile, paint: Paint): Uint8ClampedArray<ArrayBuffer> {
  const bytes = new Uint8ClampedArray(4 * tile.rows * tile.columns);
  if (paint.what === "mask") paintMask(bytes, tile, paint);
  else paintNumbers(bytes, tile, paint);
  return bytes;
}

function paintNumbers(bytes: Uint8ClampedArray, tile: Tile, paint: Paint): void {
  const numbers = tile.cells.get(paint.cell)!;
  const { ramp, limit, missing } = paint;
  const middle = (STEPS - 1) / 2;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (Number.isNaN(number)) bytes.set([...missing, 255], 4 * i);
    else {
      const share = limit > 0 ? Math.max(-1, Math.min(1, number / limit)) : Math.sign(number);
      const at = 3 * Math.round(middle + share * middle);
      bytes[4 * i] = ramp[at]!;
      bytes[4 * i + 1] = ramp[at + 1]!;
      bytes[4 * i + 2] = ramp[at + 2]!;
      bytes[4 * i + 3] = 255;
    }
  }
}

function paintMask(bytes: Uint8ClampedArray, tile: Tile, { mask }: Paint): void {
  const [both, model, base] = MASKS.map((name) => tile.cells.get(name)!);
  for (let i = 0; i < both!.length; i++) {
    const shares = [both![i]!, model![i]!, base![i]!];
    const none = 1 - shares[0]! - shares[1]! - shares[2]!;
    for (let k = 0; k < 3; k++) {
      bytes[4 * i + k] =
        shares[0]! * mask.both[k]! + shares[1]! * mask.model[k]! + shares[2]! * mask.base[k]! + none * mask.none[k]!;
    }
    bytes[4 * i + 3] = 255;
  }
}
