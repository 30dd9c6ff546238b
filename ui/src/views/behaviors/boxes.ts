/** Objects and boxes: what there is to say of them, the frame that holds them, and their masks as paths of SVG. */
import type { ImageBoxes, ObjectMask } from "@/api/behaviors";
import { SURE_SCORE } from "@/api/vocabulary.gen";

/** Width and height that hold every box and mask, at least 1. */
export function frameOf(found: readonly ImageBoxes[]): readonly [number, number] {
  const each = found.flatMap(({ boxes }) => boxes);
  const side = (place: 2 | 3, of: "width" | "height"): number =>
    Math.max(1, ...each.map(({ box, mask }) => Math.max(box[place] ?? 0, mask ? mask[of] * mask.step : 0)));
  return [side(2, "width"), side(3, "height")];
}

/** For each column the rows at which the mask begins and ends by turns, in pixels of the mask. */
export function edgesOf({ height, width, counts }: ObjectMask): number[][] {
  const columns = Array.from({ length: width }, (): number[] => []);
  let at = 0;
  counts.forEach((count, turn) => {
    const end = at + count;
    while (turn % 2 === 1 && at < end) {
      const column = Math.floor(at / height);
      const stop = Math.min(end, (column + 1) * height);
      columns[column]!.push(at - column * height, stop - column * height);
      at = stop;
    }
    at = end;
  });
  return columns;
}

/** The pixels of a mask as a path: a rectangle for each run of a column. */
export function fillOf(mask: ObjectMask): string {
  const { step } = mask;
  const parts = edgesOf(mask).flatMap((edges, x) =>
    pairs(edges).map(([top, end]) => `M${x * step} ${top * step}h${step}v${(end - top) * step}h${-step}z`),
  );
  return parts.join("");
}

/** The outline of a mask as a path: above and below each run, and where a column differs from the one before it. */
export function outlineOf(mask: ObjectMask): string {
  const { step } = mask;
  const columns = edgesOf(mask);
  const level = columns.flatMap((edges, x) => edges.map((y) => `M${x * step} ${y * step}h${step}`));
  const upright = [...columns, []].flatMap((edges, x) =>
    // rows that begin or end in both columns cancel out
    pairs([...edges, ...(columns[x - 1] ?? [])].sort((one, other) => one - other))
      .filter(([top, end]) => end > top)
      .map(([top, end]) => `M${x * step} ${top * step}v${(end - top) * step}`),
  );
  return [...level, ...upright].join("");
}

function pairs(values: readonly number[]): [number, number][] {
  return Array.from({ length: values.length / 2 }, (_, k) => [values[2 * k]!, values[2 * k + 1]!]);
}

/** How many objects there are, or what a model found of them. */
export function saidOf(model: string | null, boxes: ImageBoxes["boxes"]): string {
  const sure = boxes.filter((box) => box.score >= SURE_SCORE);
  if (model === null) return boxes.length === 1 ? "1 object" : `${boxes.length} objects`;
  const wrong = sure.filter((box) => !box.right).length;
  return `${sure.length - wrong} found${wrong > 0 ? `, ${wrong} that ${wrong === 1 ? "is" : "are"} none` : ""}`;
}
