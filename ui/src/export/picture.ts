/** Pictures of what is on the screen, as files. */
import { SvgPen, type Pen } from "./svgPen";

export interface Picture {
  /** In CSS pixels. */
  width: number;
  height: number;
  draw: (pen: Pen) => void;
}

export type PictureFormat = "svg" | "png";

/** Pixels of a PNG per CSS pixel: sharp on paper and on dense screens. */
const DENSITY = 3;
/** What browsers take for a canvas at most, in pixels. */
const MOST_PIXELS = 100e6;

/** Draw a picture into a file. */
export async function pictureBlob(picture: Picture, format: PictureFormat): Promise<Blob> {
  const { width, height, draw } = picture;
  if (format === "svg") {
    const pen = new SvgPen(measurer());
    draw(pen);
    return new Blob([pen.toSvg(width, height)], { type: "image/svg+xml" });
  }
  const density = Math.min(DENSITY, Math.sqrt(MOST_PIXELS / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d")!;
  context.scale(density, density);
  draw(context);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))), "image/png"),
  );
}

function measurer(): (text: string, font: string) => TextMetrics {
  const context = document.createElement("canvas").getContext("2d")!;
  return (text, font) => {
    context.font = font;
    return context.measureText(text);
  };
}
