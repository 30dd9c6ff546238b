/** What is drawn for each model, worked out once for a table, its encodings and its filter. */
import { rgb } from "d3-color";
import { CHROME, FILTERED, type Theme } from "@/styles/ramps";
import type { Encodings } from "@/state/encodings";

export interface Looks {
  theme: Theme;
  /** Largest radius of all. */
  largest: number;
  /** Radius before it is fitted to the rows. */
  radius: Float32Array;
  /** Color of the node; "" for a hollow one. */
  fill: string[];
  /** Color of the edge's end at this model: lighter, so that models stand out on their edges. */
  band: string[];
  /** Index of the edge's color among `shades`, or -1. */
  shade: Int16Array;
  /** Colors of edges from the low to the high end of the scale; the second list for faded ones. */
  shades: [string[], string[]];
  /** 1 where a filter leaves the model out. */
  faded: Uint8Array;
}

const BAND = 0.45;
const HOLLOW_RADIUS = 5;

/** Looks of all models; `visible` is the filter's mask. */
export function looksOf(count: number, encodings: Encodings, visible: Uint8Array): Looks {
  const { theme } = encodings;
  const shade = shader(CHROME[theme].background);
  const looks: Looks = {
    theme,
    largest: 0,
    radius: new Float32Array(count),
    fill: new Array<string>(count),
    band: new Array<string>(count),
    shade: new Int16Array(count),
    shades: [
      encodings.shades.map((color) => shade(color, BAND)),
      encodings.shades.map((color) => shade(color, BAND * FILTERED)),
    ],
    faded: new Uint8Array(count),
  };
  for (let i = 0; i < count; i++) {
    const color = encodings.color(i);
    const size = encodings.size(i);
    const opacity = visible[i] ? 1 : FILTERED;
    looks.faded[i] = visible[i] ? 0 : 1;
    looks.shade[i] = encodings.shade(i);
    looks.radius[i] = size ?? HOLLOW_RADIUS;
    looks.largest = Math.max(looks.largest, looks.radius[i]!);
    looks.fill[i] = color === null || size === null ? "" : shade(color, opacity);
    looks.band[i] = shade(color ?? CHROME[theme].border, (color === null ? 0.6 : BAND) * opacity);
  }
  return looks;
}

/** Mixes colors over an opaque background, so that what overlaps does not add up. Remembers what it has mixed. */
export function shader(background: string): (color: string, opacity: number) => string {
  const below = rgb(background);
  const known = new Map<string, string>();
  return (color, opacity) => {
    if (opacity === 1) return color;
    const key = `${color} ${opacity}`;
    let mixed = known.get(key);
    if (mixed === undefined) {
      const { r, g, b } = rgb(color);
      const over = (above: number, under: number): number => under + (above - under) * opacity;
      mixed = rgb(over(r, below.r), over(g, below.g), over(b, below.b)).formatHex();
      known.set(key, mixed);
    }
    return mixed;
  };
}
