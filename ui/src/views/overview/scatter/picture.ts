/** The scatterplot as it stands, with its title and the names of its axes, for a file. */
import { drawSvg } from "@/export/dom";
import type { Picture } from "@/export/picture";
import { CHROME } from "@/styles/ramps";
import { paintMarks, paintPoints, type Look, type Marks } from "./paint";
import type { Margins, Scene, Size } from "./scene";

const ABOVE = 44;
const BELOW = 22;

export interface PlotParts {
  /** The element that the plot fills; its SVGs are below and above the points. */
  box: HTMLElement;
  scene: Scene;
  size: Size;
  margins: Margins;
  look: Look;
  marks: Marks;
}

export function plotPicture(parts: PlotParts, title: string): Picture {
  const { box, scene, size, margins, look, marks } = parts;
  const chrome = CHROME[look.encodings.theme];
  const draw: Picture["draw"] = (pen) => {
    const style = getComputedStyle(box);
    const { left, top } = box.getBoundingClientRect();
    const origin = [left, top - ABOVE] as const;
    pen.fillStyle = chrome.background;
    pen.fillRect(0, 0, size.width, size.height + ABOVE + BELOW);
    pen.textBaseline = "alphabetic";
    pen.textAlign = "left";
    pen.fillStyle = chrome.text;
    pen.font = `600 15px ${style.fontFamily}`;
    pen.fillText(title, 12, 18);
    pen.font = `500 11px ${style.fontFamily}`;
    pen.fillText(scene.yAxis.metric.name, 12, ABOVE - 6);
    pen.textAlign = "right";
    pen.fillText(scene.xAxis.metric.name, size.width - margins.right, ABOVE + size.height + 14);
    const [below, above] = box.querySelectorAll<SVGSVGElement>(":scope > svg");
    if (below) drawSvg(pen, below, origin);
    pen.save();
    pen.translate(0, ABOVE);
    pen.beginPath();
    pen.rect(margins.left - 8, 0, size.width - margins.left + 8, size.height - margins.bottom + 8);
    pen.clip();
    paintPoints(pen, scene, look);
    paintMarks(pen, scene, look.encodings, marks);
    pen.restore();
    if (above) drawSvg(pen, above, origin);
  };
  return { width: size.width, height: size.height + ABOVE + BELOW, draw };
}
