/** Masks of an image: which class each pixel has, where two models differ, and in which colors that is drawn. */
import { rgb } from "d3-color";
import type { ImageMask, MaskClass } from "@/api/behaviors";
import { CATEGORICAL, OTHER, type Theme } from "@/styles/ramps";

/** What is drawn: the image alone, the label, the base's mask, a model's, or where base and model differ. */
export type Look = "image" | "label" | "base" | "model" | "differences";

/** A kind of pixels: a class, or a kind of difference. */
export interface Kind {
  readonly code: number;
  readonly name: string;
  readonly color: string;
  /** Of the pixels that are counted. */
  readonly share: number;
}

/** A picture to draw; pixels of a negative code are left out. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly codes: Int32Array;
  readonly kinds: readonly Kind[];
  /** Share of all pixels that count for nothing. */
  readonly void: number;
}

export const SAME = 0;
export const ONLY_BASE = 1;
export const ONLY_MODEL = 2;
export const BOTH_WRONG = 3;
const NOTHING = -1;

/** The class of each pixel, line by line. */
export function decoded({ height, width, classes, lengths }: ImageMask): Int32Array {
  const pixels = new Int32Array(height * width);
  let at = 0;
  lengths.forEach((length, run) => pixels.fill(classes[run]!, at, (at += length)));
  return pixels;
}

/** How base and model differ at each pixel: who has the label's class, if one of them has. */
export function differences(label: Int32Array, base: Int32Array, model: Int32Array): Int32Array {
  return label.map((wanted, at) => {
    if (wanted < 0) return NOTHING;
    if (base[at] === model[at]) return SAME;
    return base[at] === wanted ? ONLY_BASE : model[at] === wanted ? ONLY_MODEL : BOTH_WRONG;
  });
}

/** A color for each class: its own where there are at most eight, else the eight that cover most of this image. */
export function colorsOf(
  classes: readonly MaskClass[],
  masks: readonly ImageMask[],
  theme: Theme,
): ReadonlyMap<number, string> {
  const palette = CATEGORICAL[theme];
  let colored = classes.map(({ number }) => number);
  if (colored.length > palette.length) {
    const covered = new Map<number, number>();
    for (const { classes: found, lengths } of masks)
      found.forEach((number, run) => covered.set(number, (covered.get(number) ?? 0) + lengths[run]!));
    const largest = [...colored].sort((one, other) => (covered.get(other) ?? 0) - (covered.get(one) ?? 0));
    colored = largest.slice(0, palette.length).sort((one, other) => one - other);
  }
  const places = new Map(colored.map((number, place) => [number, place]));
  return new Map(classes.map(({ number }) => [number, palette[places.get(number) ?? -1] ?? OTHER[theme]]));
}

/** The mask of one model, or the label, with the classes that are in it, the largest first. */
export function ofClasses(
  mask: ImageMask,
  classes: readonly MaskClass[],
  colors: ReadonlyMap<number, string>,
): Drawing {
  const codes = decoded(mask);
  const kinds = classes.map(({ number, name }) => ({ code: number, name, color: colors.get(number)! }));
  const found = drawing(mask, codes, kinds);
  return { ...found, kinds: [...found.kinds].sort((one, other) => other.share - one.share) };
}

/** Where a model differs from the base. The colors are those of one that lost, of one that gained, and of neither. */
export function ofDifferences(
  masks: Readonly<Record<"label" | "base" | "model", ImageMask>>,
  colors: readonly [string, string, string],
): Drawing {
  const codes = differences(decoded(masks.label), decoded(masks.base), decoded(masks.model));
  const names = ["only the base is right", "only the model is right", "both are wrong, in different ways"];
  const kinds = names.map((name, at) => ({ code: at + 1, name, color: colors[at]! }));
  return drawing(masks.label, codes, [...kinds, { code: SAME, name: "same class", color: "transparent" }]);
}

/** Nothing over an image of the proportions of a mask. */
export function empty({ width, height }: ImageMask): Drawing {
  return { width, height, codes: new Int32Array(width * height).fill(NOTHING), kinds: [], void: 0 };
}

function drawing({ width, height }: ImageMask, codes: Int32Array, kinds: readonly Omit<Kind, "share">[]): Drawing {
  const counts = new Map<number, number>();
  let counted = 0;
  for (const code of codes)
    if (code >= 0) {
      counts.set(code, (counts.get(code) ?? 0) + 1);
      counted++;
    }
  const present = kinds.filter(({ code }) => counts.has(code));
  const shares = present.map((kind) => ({ ...kind, share: counts.get(kind.code)! / counted }));
  return { width, height, codes, kinds: shares, void: 1 - counted / codes.length };
}

/** Red, green, blue and opacity of each pixel, line by line. */
export function painted({ codes, kinds }: Drawing): Uint8ClampedArray<ArrayBuffer> {
  const bytes = new Uint8ClampedArray(4 * codes.length);
  const colors = new Map(kinds.map(({ code, color }) => [code, rgb(color)]));
  codes.forEach((code, at) => {
    const color = colors.get(code);
    if (color && color.opacity > 0) bytes.set([color.r, color.g, color.b, 255], 4 * at);
  });
  return bytes;
}

/** A share in per cent; a small one is not called none. */
export function percent(share: number): string {
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(share * 100).toFixed(1)}%`;
}

/** What there is to see, in words. */
export function saidOf({ kinds }: Drawing): string {
  return kinds.length === 0
    ? "no pixel that counts"
    : kinds.map(({ name, share }) => `${name} ${percent(share)}`).join(", ");
}
