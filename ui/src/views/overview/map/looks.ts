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
  /** 1 where the model is worse than where the colors end. */
  beyond: Uint8Array;
  /** 1 where a filter leaves the model out. */
  faded: Uint8Array;
}

/** Contrast of edges against the background: as light as can be, but for those that a filter leaves out. */
const BAND = 3.05;
/** Of edges where nothing is encoded. */
const PLAIN = 0.6;
const STEP = 1 / 255;
const HOLLOW_RADIUS = 5;

/** Looks of all models; `visible` is the filter's mask. */
export function looksOf(count: number, encodings: Encodings, visible: Uint8Array): Looks {
  const { theme } = encodings;
  const shade = shader(CHROME[theme].background);
  const opacities = new Map(encodings.shades.map((color) => [color, lightest(color, CHROME[theme].background)]));
  const band = (color: string, opacity: number): string => shade(color, opacity * (opacities.get(color) ?? PLAIN));
  const looks: Looks = {
    theme,
    largest: 0,
    radius: new Float32Array(count),
    fill: new Array<string>(count),
    band: new Array<string>(count),
    shade: new Int16Array(count),
    shades: [encodings.shades.map((color) => band(color, 1)), encodings.shades.map((color) => band(color, FILTERED))],
    beyond: new Uint8Array(count),
    faded: new Uint8Array(count),
  };
  for (let i = 0; i < count; i++) {
    const color = encodings.color(i);
    const size = encodings.size(i);
    const opacity = visible[i] ? 1 : FILTERED;
    looks.faded[i] = visible[i] ? 0 : 1;
    looks.beyond[i] = encodings.isBeyond(i) ? 1 : 0;
    looks.shade[i] = encodings.shade(i);
    looks.radius[i] = size ?? HOLLOW_RADIUS;
    looks.largest = Math.max(looks.largest, looks.radius[i]!);
    looks.fill[i] = color === null || size === null ? "" : shade(color, opacity);
    looks.band[i] = color === null ? shade(CHROME[theme].border, PLAIN * opacity) : band(color, opacity);
  }
  return looks;
}

/** WCAG's contrast of two colors. */
export function contrastOf(one: string, other: string): number {
  const [low, high] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminanceOf(color: string): number {
  const { r, g, b } = rgb(color);
  const linear = (part: number): number => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
}

/** The least opacity, to within a step of a channel, with which a color still has the contrast of edges. */
function lightest(color: string, background: string): number {
  const mix = shader(background);
  let [low, high] = [0, 1];
  while (high - low > STEP) {
    const middle = (low + high) / 2;
    if (contrastOf(mix(color, middle), background) < BAND) low = middle;
    else high = middle;
  }
  return high;
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
