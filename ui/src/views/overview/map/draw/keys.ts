/** What a picture of the map needs beside the map: the names of its columns, and what color and size mean. */
import { formatValue } from "@/format";
import type { Encodings } from "@/state/encodings";
import { CHROME } from "@/styles/ramps";
import { headingHeight, isSlanted, lettersAbove, SLANT, wrapped } from "../viewport";
import type { Context, Frame, Scene } from "./scene";
import type { Fonts } from "./text";

export const KEY_HEIGHT = 36;
const FONT = "11px";
const LINE = 13;
const RAMP = 90;

/** The names of columns above them, slanted where columns are narrow. */
export function drawHeadings(
  ctx: Context,
  scene: Scene,
  { view, width }: Frame,
  { names, fonts }: { names: readonly string[]; fonts: Fonts },
): void {
  const chrome = CHROME[scene.looks.theme];
  const height = headingHeight(view.kx, names);
  ctx.fillStyle = chrome.background;
  ctx.fillRect(0, 0, width, height);
  ctx.fillStyle = chrome.text;
  ctx.font = `${FONT} ${fonts.mono}`;
  ctx.textBaseline = "alphabetic";
  const slanted = isSlanted(view.kx, names);
  ctx.textAlign = slanted ? "left" : "center";
  const every = Math.ceil(16 / view.kx);
  names.forEach((name, k) => {
    if (k % every) return;
    ctx.save();
    ctx.translate(view.tx + view.kx * k, height - 6);
    if (slanted) ctx.rotate(-SLANT);
    const lines = slanted ? [name] : wrapped(name, lettersAbove(view.kx));
    lines.forEach((text, at) => ctx.fillText(text, 0, LINE * (at - lines.length + 1)));
    ctx.restore();
  });
  line(ctx, chrome.hairline, [0, height - 0.5, width]);
}

export interface Key {
  readonly encodings: Encodings;
  /** Of a value of the size metric, on the screen. */
  readonly radius: (value: number) => number;
}

/** One line below the map: `Color Top-1 Accuracy 10% ▬▬▬ 98%   Size …`. */
export function drawKey(
  ctx: Context,
  { encodings, radius: radiusOf }: Key,
  { width, height }: Frame,
  fonts: Fonts,
): void {
  const chrome = CHROME[encodings.theme];
  const y = height + KEY_HEIGHT / 2;
  let x = 12;
  ctx.fillStyle = chrome.background;
  ctx.fillRect(0, height, width, KEY_HEIGHT);
  line(ctx, chrome.hairline, [0, height + 0.5, width]);
  ctx.font = `${FONT} ${fonts.text}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const words = (text: string, color = chrome.text): void => {
    ctx.fillStyle = color;
    ctx.fillText(text, x, y);
    x += ctx.measureText(text).width + 8;
  };
  const { colorScale, sizeScale } = encodings;
  if (colorScale) {
    words(`Color: ${colorScale.metric.name}`, chrome.quiet);
    words(formatValue(colorScale.metric, colorScale.domain[0]));
    const ramp = ctx.createLinearGradient(x, 0, x + RAMP, 0);
    encodings.shades.forEach((shade, k) => ramp.addColorStop(k / (encodings.shades.length - 1), shade));
    ctx.fillStyle = ramp;
    ctx.fillRect(x, y - 4, RAMP, 8);
    x += RAMP + 8;
    words(formatValue(colorScale.metric, colorScale.domain[1]));
    if (colorScale.domain !== colorScale.whole) words("× beyond", chrome.quiet);
    x += 16;
  }
  if (!sizeScale) return;
  words(`Size: ${sizeScale.metric.name}`, chrome.quiet);
  for (const value of new Set(sizeScale.domain)) {
    const radius = radiusOf(value);
    ctx.fillStyle = chrome.mark;
    ctx.beginPath();
    ctx.arc(x + radius, y, radius, 0, 2 * Math.PI);
    ctx.fill();
    x += 2 * radius + 6;
    words(formatValue(sizeScale.metric, value));
  }
}

function line(ctx: Context, color: string, [x0, y, x1]: [number, number, number]): void {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x0, y);
  ctx.lineTo(x1, y);
  ctx.stroke();
}
