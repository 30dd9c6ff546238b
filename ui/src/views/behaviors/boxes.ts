/** Boxes around objects: what there is to say of them, and the frame that holds them where there is no image. */
import type { ImageBoxes } from "@/api/behaviors";
import { SURE_SCORE } from "@/api/vocabulary.gen";

/** Width and height that hold every box, at least 1. */
export function frameOf(found: readonly ImageBoxes[]): readonly [number, number] {
  const corners = found.flatMap(({ boxes }) => boxes.map(({ box }) => box));
  const side = (place: number): number => Math.max(1, ...corners.map((box) => box[place] ?? 0));
  return [side(2), side(3)];
}

/** How many objects there are, or what a model found of them. */
export function saidOf(model: string | null, boxes: ImageBoxes["boxes"]): string {
  const sure = boxes.filter((box) => box.score >= SURE_SCORE);
  if (model === null) return boxes.length === 1 ? "1 object" : `${boxes.length} objects`;
  const wrong = sure.filter((box) => !box.right).length;
  return `${sure.length - wrong} found${wrong > 0 ? `, ${wrong} that ${wrong === 1 ? "is" : "are"} none` : ""}`;
}
