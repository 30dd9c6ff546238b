/** The map as it stands, with its headings and its legend, for a file. */
import type { Picture } from "@/export/picture";
import type { Encodings } from "@/state/encodings";
import { drawHeadings, drawKey, KEY_HEIGHT } from "./draw/keys";
import { drawSelection } from "./draw/overlay";
import { drawScene, readFonts } from "./draw/painter";
import type { MapState } from "./map.svelte";

export function mapPicture(map: MapState, encodings: Encodings, selected: ReadonlySet<number>): Picture {
  const { scene, view, width, height } = map;
  const frame = { width, height, view };
  const fonts = readFonts();
  const draw: Picture["draw"] = (pen) => {
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, width, height);
    pen.clip();
    drawScene(pen, scene, frame, fonts);
    drawSelection(pen, scene, frame, { selected, fonts });
    drawHeadings(pen, scene, frame, { names: map.extent.headings, fonts });
    pen.restore();
    drawKey(pen, { encodings, radius: (value) => map.radius(value) }, frame, fonts);
  };
  return { width, height: height + KEY_HEIGHT, draw };
}
