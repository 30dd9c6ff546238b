/** The strip of output channels beside the heat map: the length of each, and over it how far it moved. */
import type { Channels } from "@/api/tensors";
import { CHROME, DIVERGING, type Theme } from "@/styles/ramps";
import type { Frame } from "./frame";
import { largest } from "./order";

export interface StripLook {
  readonly frame: Frame;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
}

/** A line of pixels shows the largest of its channels. */
export function paintStrip(context: CanvasRenderingContext2D, channels: Channels, look: StripLook): void {
  const { frame, width, height, theme } = look;
  context.clearRect(0, 0, width, height);
  const most = Math.max(
    largest(channels.norm, 0, channels.count),
    channels.change ? largest(channels.change, 0, channels.count) : 0,
  );
  if (!(most > 0)) return;
  const pixel = height / frame.rows;
  const lines = pixel >= 1 ? Math.ceil(frame.rows) + 1 : Math.ceil(height);
  for (let k = 0; k < lines; k++) {
    const [first, last] =
      pixel >= 1
        ? [Math.floor(frame.row) + k, Math.floor(frame.row) + k + 1]
        : [Math.floor(frame.row + k / pixel), Math.ceil(frame.row + (k + 1) / pixel)];
    if (first >= channels.count) break;
    const y = pixel >= 1 ? (first - frame.row) * pixel : k;
    const thick = pixel >= 3 ? pixel - 1 : Math.max(1, pixel);
    bar(context, CHROME[theme].border, y, thick, (width * largest(channels.norm, first, last)) / most);
    if (channels.change)
      bar(context, DIVERGING[theme][2]!, y, thick, (width * largest(channels.change, first, last)) / most);
  }
}

function bar(context: CanvasRenderingContext2D, color: string, y: number, thick: number, wide: number): void {
  context.fillStyle = color;
  context.fillRect(0, y, Number.isFinite(wide) ? wide : 0, thick);
}
