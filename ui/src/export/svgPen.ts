/** A stand-in for a canvas' context that writes what is drawn as SVG: pictures of the map stay sharp at any size. */

/** What our canvases use of a context; both a real one and `SvgPen` have it. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "globalAlpha"
  | "font"
  | "textAlign"
  | "textBaseline"
  | "lineJoin"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "bezierCurveTo"
  | "arc"
  | "rect"
  | "closePath"
  | "fill"
  | "stroke"
  | "clip"
  | "fillRect"
  | "strokeRect"
  | "clearRect"
  | "fillText"
  | "strokeText"
  | "measureText"
  | "createLinearGradient"
  | "setLineDash"
  | "save"
  | "restore"
  | "translate"
  | "rotate"
>;

interface State {
  fillStyle: string | CanvasGradient | CanvasPattern;
  strokeStyle: string | CanvasGradient | CanvasPattern;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  lineJoin: CanvasLineJoin;
  dash: number[];
  clip: number | null;
  transform: string;
}

/** A horizontal or vertical gradient in the picture's own units. */
class Gradient implements CanvasGradient {
  readonly stops: string[] = [];

  constructor(
    readonly id: number,
    private readonly line: readonly [number, number, number, number],
  ) {}

  addColorStop(offset: number, color: string): void {
    this.stops.push(`<stop offset="${round(offset)}" stop-color="${escape(color)}"/>`);
  }

  toString(): string {
    const [x1, y1, x2, y2] = this.line.map(round);
    const place = `gradientUnits="userSpaceOnUse" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"`;
    return `<linearGradient id="g${this.id}" ${place}>${this.stops.join("")}</linearGradient>`;
  }
}

const BASELINES: Partial<Record<CanvasTextBaseline, string>> = { middle: "0.35em", top: "0.8em", hanging: "0.8em" };
const ANCHORS: Partial<Record<CanvasTextAlign, string>> = { center: "middle", right: "end", end: "end" };
const BLACK = "black";

export class SvgPen implements Pen {
  fillStyle: State["fillStyle"] = BLACK;
  strokeStyle: State["strokeStyle"] = BLACK;
  lineWidth = 1;
  globalAlpha = 1;
  font = "10px sans-serif";
  textAlign: CanvasTextAlign = "start";
  textBaseline: CanvasTextBaseline = "alphabetic";
  lineJoin: CanvasLineJoin = "miter";
  #dash: number[] = [];
  #clip: number | null = null;
  #transform = "";
  #path: string[] = [];
  readonly #saved: State[] = [];
  readonly #marks: string[] = [];
  readonly #gradients: Gradient[] = [];
  readonly #clips: string[] = [];
  readonly #measure: (text: string, font: string) => TextMetrics;

  /** `measure` tells how wide a text is, as only a browser can. */
  constructor(measure: (text: string, font: string) => TextMetrics) {
    this.#measure = measure;
  }

  /** The whole picture, in CSS pixels. */
  toSvg(width: number, height: number): string {
    const defs = [...this.#gradients.map(String), ...this.#clips].join("");
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${defs && `<defs>${defs}</defs>`}`;
    return `${head}\n${this.#marks.join("\n")}\n</svg>\n`;
  }

  beginPath(): void {
    this.#path = [];
  }

  moveTo(x: number, y: number): void {
    this.#path.push(`M${round(x)},${round(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.#path.push(`L${round(x)},${round(y)}`);
  }

  bezierCurveTo(...points: [number, number, number, number, number, number]): void {
    this.#path.push(`C${points.map(round).join(",")}`);
  }

  closePath(): void {
    this.#path.push("Z");
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path.push(`M${round(x)},${round(y)}h${round(width)}v${round(height)}h${round(-width)}Z`);
  }

  /** Whole circles only: nothing else is drawn. */
  arc(x: number, y: number, radius: number): void {
    const r = round(radius);
    const d = round(2 * radius);
    this.#path.push(
      `M${round(x + radius)},${round(y)}a${r},${r},0,1,0,${round(-2 * radius)},0a${r},${r},0,1,0,${d},0Z`,
    );
  }

  /** An outline in SVG's own words. */
  trace(path: string): void {
    this.#path.push(path);
  }

  fill(): void {
    this.#mark("path", `d="${this.#path.join("")}" ${this.#filled()}`);
  }

  stroke(): void {
    this.#mark("path", `d="${this.#path.join("")}" fill="none" ${this.#stroked()}`);
  }

  clip(): void {
    this.#clip = this.#clips.length;
    // a clip is in the coordinates of what it clips, which has the same transform
    this.#clips.push(`<clipPath id="c${this.#clip}"><path d="${this.#path.join("")}"/></clipPath>`);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#mark("rect", `${box(x, y, width, height)} ${this.#filled()}`);
  }

  strokeRect(x: number, y: number, width: number, height: number): void {
    this.#mark("rect", `${box(x, y, width, height)} fill="none" ${this.#stroked()}`);
  }

  clearRect(): void {}

  fillText(text: string, x: number, y: number): void {
    this.#text(text, x, y, this.#filled());
  }

  strokeText(text: string, x: number, y: number): void {
    this.#text(text, x, y, `fill="none" ${this.#stroked()}`);
  }

  measureText(text: string): TextMetrics {
    return this.#measure(text, this.font);
  }

  createLinearGradient(...line: [number, number, number, number]): CanvasGradient {
    const gradient = new Gradient(this.#gradients.length, line);
    this.#gradients.push(gradient);
    return gradient;
  }

  translate(x: number, y: number): void {
    this.#transform += `translate(${round(x)},${round(y)})`;
  }

  rotate(angle: number): void {
    this.#transform += `rotate(${round((angle * 180) / Math.PI)})`;
  }

  setLineDash(dash: Iterable<number>): void {
    this.#dash = [...dash];
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineJoin } = this;
    const look = { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineJoin };
    this.#saved.push({ ...look, dash: this.#dash, clip: this.#clip, transform: this.#transform });
  }

  restore(): void {
    const state = this.#saved.pop();
    if (!state) return;
    const { dash, clip, transform, ...look } = state;
    Object.assign(this, look);
    [this.#dash, this.#clip, this.#transform] = [dash, clip, transform];
  }

  #mark(name: string, attributes: string, content?: string): void {
    const alpha = this.globalAlpha < 1 ? ` opacity="${round(this.globalAlpha)}"` : "";
    const clip = this.#clip === null ? "" : ` clip-path="url(#c${this.#clip})"`;
    const transform = this.#transform && ` transform="${this.#transform}"`;
    const start = `<${name} ${attributes}${alpha}${transform}${clip}`;
    this.#marks.push(content === undefined ? `${start}/>` : `${start}>${content}</${name}>`);
  }

  #text(text: string, x: number, y: number, look: string): void {
    const anchor = ANCHORS[this.textAlign];
    const shift = BASELINES[this.textBaseline];
    const place = [`x="${round(x)}"`, `y="${round(y)}"`, anchor && `text-anchor="${anchor}"`, shift && `dy="${shift}"`];
    const style = `style="font:${escape(this.font)}"`;
    this.#mark("text", [...place, style, look].filter(Boolean).join(" "), escape(text));
  }

  #filled(): string {
    return `fill="${paint(this.fillStyle)}"`;
  }

  #stroked(): string {
    const dash = this.#dash.length ? ` stroke-dasharray="${this.#dash.join(" ")}"` : "";
    const join = this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`;
    return `stroke="${paint(this.strokeStyle)}" stroke-width="${round(this.lineWidth)}"${dash}${join}`;
  }
}

function paint(style: State["fillStyle"]): string {
  return style instanceof Gradient ? `url(#g${style.id})` : escape(String(style));
}

const round = (value: number): number => Math.round(value * 100) / 100;

const box = (x: number, y: number, width: number, height: number): string =>
  `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** For attributes and text; what XML cannot hold is left out. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"']/g, (c) => ENTITIES[c]!);
}
