/** Draws the SVG and the captions that are on the screen with a pen, in the colors that they have there. */
import type { Picture } from "./picture";
import { SvgPen, type Pen } from "./svgPen";

/** Texts outside SVG that belong to a chart. */
const CAPTIONS = "[data-export]:not(svg)";

/** A picture of all charts inside an element as they stand, with their captions, on the page's background. */
export function pictureOf(element: Element, margin = 12): Picture {
  const marks = [
    ...element.querySelectorAll<SVGSVGElement | HTMLElement>(`svg:not([aria-hidden]), svg[data-export], ${CAPTIONS}`),
  ];
  if (element instanceof SVGSVGElement) marks.push(element);
  const boxes = marks.map((mark) => mark.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left)) - margin;
  const top = Math.min(...boxes.map((box) => box.top)) - margin;
  const width = Math.ceil(Math.max(...boxes.map((box) => box.right)) - left + margin);
  const height = Math.ceil(Math.max(...boxes.map((box) => box.bottom)) - top + margin);
  const draw = (pen: Pen): void => {
    pen.fillStyle = getComputedStyle(document.body).backgroundColor;
    pen.fillRect(0, 0, width, height);
    for (const mark of marks) {
      if (mark instanceof SVGSVGElement) drawSvg(pen, mark, [left, top]);
      else drawWords(pen, mark, [left, top]);
    }
  };
  return { width, height, draw };
}

/** All shapes of an SVG element, moved so that a point of the window is the pen's origin. */
export function drawSvg(pen: Pen, svg: SVGSVGElement, origin: readonly [number, number]): void {
  for (const shape of svg.querySelectorAll<SVGGraphicsElement>("path, line, rect, circle, text")) {
    const style = getComputedStyle(shape);
    const matrix = shape.getScreenCTM();
    if (!matrix || style.visibility === "hidden" || style.display === "none") continue;
    drawShape(pen, shape, { style, at: [matrix.e - origin[0], matrix.f - origin[1]] });
  }
}

interface Placed {
  style: CSSStyleDeclaration;
  /** Where the shape's own origin is. No shape is turned or stretched. */
  at: readonly [number, number];
}

function drawShape(pen: Pen, shape: SVGGraphicsElement, { style, at: [dx, dy] }: Placed): void {
  const number = (name: string): number => Number(shape.getAttribute(name) ?? 0);
  pen.save();
  pen.globalAlpha = opacityOf(shape);
  pen.lineWidth = Number.parseFloat(style.strokeWidth) || 1;
  pen.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(Number.parseFloat));
  if (shape instanceof SVGTextElement) drawText(pen, shape, { style, at: [dx, dy] });
  else {
    pen.beginPath();
    if (shape instanceof SVGPathElement) tracePath(pen, shape, [dx, dy]);
    else if (shape instanceof SVGCircleElement)
      pen.arc(number("cx") + dx, number("cy") + dy, number("r"), 0, 2 * Math.PI);
    else if (shape instanceof SVGRectElement)
      pen.rect(number("x") + dx, number("y") + dy, number("width"), number("height"));
    else {
      pen.moveTo(number("x1") + dx, number("y1") + dy);
      pen.lineTo(number("x2") + dx, number("y2") + dy);
    }
    if (shows(style.fill, style.fillOpacity)) {
      pen.fillStyle = style.fill;
      pen.fill();
    }
    if (shows(style.stroke, style.strokeOpacity)) {
      pen.strokeStyle = style.stroke;
      pen.stroke();
    }
  }
  pen.restore();
}

const shows = (color: string, opacity: string): boolean =>
  color !== "none" && color !== "transparent" && !/^rgba\(.*, 0\)$/.test(color) && Number(opacity || 1) > 0;

/** The opacity of a shape and of all that it is in. */
function opacityOf(shape: Element): number {
  let opacity = 1;
  for (let at: Element | null = shape; at && !(at instanceof HTMLElement); at = at.parentElement) {
    opacity *= Number(getComputedStyle(at).opacity);
  }
  return opacity;
}

/** An outline as short lines: a pen knows no path text, and a chart's curves are few. */
function tracePath(pen: Pen, path: SVGPathElement, [dx, dy]: readonly [number, number]): void {
  if (pen instanceof SvgPen && dx === 0 && dy === 0) return pen.trace(path.getAttribute("d") ?? "");
  for (const piece of subpaths(path.getAttribute("d") ?? "")) {
    piece.points.forEach(([x, y], k) => (k ? pen.lineTo(x + dx, y + dy) : pen.moveTo(x + dx, y + dy)));
    if (piece.closed) pen.closePath();
  }
}

interface Piece {
  points: [number, number][];
  closed: boolean;
}

/** The corners of a path of straight lines (M, L, H, V and their relative kinds, Z): all that charts use. */
export function subpaths(d: string): Piece[] {
  const pieces: Piece[] = [];
  let [x, y] = [0, 0];
  for (const [, letter = "", text = ""] of d.matchAll(/([MLHVZ])([^MLHVZ]*)/gi)) {
    const numbers = (text.match(/-?(?:\d*\.\d+|\d+)(?:e[-+]?\d+)?/gi) ?? []).map(Number);
    const relative = letter === letter.toLowerCase();
    const kind = letter.toUpperCase();
    if (kind === "Z") {
      const last = pieces.at(-1);
      if (last) [last.closed, [x, y]] = [true, last.points[0]!];
      continue;
    }
    const width = kind === "H" || kind === "V" ? 1 : 2;
    for (let k = 0; k + width <= numbers.length; k += width) {
      const [ox, oy] = relative ? [x, y] : [0, 0];
      if (kind === "H") x = ox + numbers[k]!;
      else if (kind === "V") y = oy + numbers[k]!;
      else [x, y] = [ox + numbers[k]!, oy + numbers[k + 1]!];
      if (kind === "M" && k === 0) pieces.push({ points: [], closed: false });
      pieces.at(-1)?.points.push([x, y]);
    }
  }
  return pieces;
}

function drawText(pen: Pen, text: SVGTextElement, { style, at: [dx, dy] }: Placed): void {
  const size = Number.parseFloat(style.fontSize);
  const number = (name: string): number => Number.parseFloat(text.getAttribute(name) ?? "0") || 0;
  const shift = text.getAttribute("dy")?.endsWith("em") ? number("dy") * size : number("dy");
  const words = [...text.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent);
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.textAlign = style.textAnchor === "middle" ? "center" : style.textAnchor === "end" ? "right" : "left";
  pen.textBaseline = "alphabetic";
  const place = [words.join("").trim(), number("x") + dx, number("y") + shift + dy] as const;
  if (style.stroke !== "none") {
    pen.strokeStyle = style.stroke;
    pen.lineJoin = "round";
    pen.strokeText(...place);
  }
  pen.fillStyle = style.fill;
  pen.fillText(...place);
}

/** What is chosen, where the select says it. */
function drawChoice(pen: Pen, select: HTMLSelectElement, origin: readonly [number, number]): void {
  const style = getComputedStyle(select);
  const box = select.getBoundingClientRect();
  setWords(pen, style);
  const left = box.left + Number.parseFloat(style.paddingLeft);
  pen.fillText(select.selectedOptions[0]?.text ?? "", left - origin[0], box.top + box.height / 2 - origin[1]);
}

function setWords(pen: Pen, style: CSSStyleDeclaration): void {
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillStyle = style.color;
}

/** The words of a caption, each where the browser has set it. */
function drawWords(pen: Pen, element: HTMLElement, origin: readonly [number, number]): void {
  if (element instanceof HTMLSelectElement) return drawChoice(pen, element, origin);
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent || parent.closest("svg, select, .unseen")) continue;
    setWords(pen, getComputedStyle(parent));
    const range = document.createRange();
    for (const { 0: word, index } of (node.textContent ?? "").matchAll(/\S+/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const [box] = range.getClientRects();
      if (box && box.width > 1) pen.fillText(word, box.left - origin[0], box.top + box.height / 2 - origin[1]);
    }
  }
}
