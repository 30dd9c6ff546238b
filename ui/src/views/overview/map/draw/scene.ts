/** What the map's canvases are drawn from. */
import type { Pen } from "@/export/svgPen";
import type { ModelTable } from "@/state/table";
import type { Labels } from "../labels";
import type { Layout } from "../layout";
import type { Looks } from "../looks";
import type { Names } from "../names";
import type { Places } from "../places";
import type { Viewport } from "../viewport";

/** Models with their looks and places. */
export interface Models {
  table: ModelTable;
  layout: Layout;
  looks: Looks;
  /** Where models stand now: the layout's own places, or some in between while they move. */
  places: Places;
}

export interface Scene extends Models {
  labels: Labels;
  names: Names;
}

/** The part of the plane to draw, in pixels. */
export interface Frame {
  width: number;
  height: number;
  view: Viewport;
}

/** A canvas' context, or what stands in for one when a picture is saved. */
export type Context = Pen;

export const screenX = (scene: Models, view: Viewport, i: number): number => view.tx + view.kx * scene.places.x[i]!;
export const screenY = (scene: Models, view: Viewport, i: number): number => view.ty + view.ky * scene.places.y[i]!;

/** By how much nodes shrink so that neighboring rows and columns do not touch. */
export function nodeScale(scene: Scene, view: Viewport): number {
  const largest = Math.max(1, scene.looks.largest);
  return Math.min(1, (view.ky * 0.44) / largest, (view.kx * 0.3) / largest);
}

/** Radius on the screen: at least what can still be seen, which is less where there are many. */
export function screenRadius(scene: Scene, view: Viewport, scale: number, i: number): number {
  return radiusOnScreen(view, scale, scene.looks.radius[i]!);
}

/** The same of a radius that no model needs to have. */
export function radiusOnScreen({ ky }: Viewport, scale: number, radius: number): number {
  return Math.max(ky < 2 ? 1 : ky < 8 ? 1.5 : 2, radius * scale);
}

/** Thickness of an edge at a model. */
export const bandWidth = (radius: number): number => Math.max(1, radius * 1.15);

/** Call `draw` once per color with all models of that color. */
export function byColor(models: number[], colors: string[], draw: (color: string, group: number[]) => void): void {
  const groups = new Map<string, number[]>();
  for (const i of models) {
    const group = groups.get(colors[i]!);
    if (group) group.push(i);
    else groups.set(colors[i]!, [i]);
  }
  groups.forEach((group, color) => draw(color, group));
}

/**
 * At most one model per column and pixel row, for when rows are thinner than pixels; `keep` says whose edge or node is
 * in the frame. Models that pass the filter take the place before those that do not.
 */
export function thin(scene: Models, frame: Frame, keep: (i: number) => boolean): number[] {
  const { layout, looks } = scene;
  const slots = frame.height + 2;
  const crowded = frame.view.ky < 1;
  const taken = new Uint8Array(crowded ? layout.columns.length * slots : 0);
  const chosen: number[][] = [[], []];
  for (const faded of [0, 1]) {
    for (let i = 0; i < scene.table.count; i++) {
      if (looks.faded[i] !== faded || !layout.shown[i] || !keep(i)) continue;
      if (crowded) {
        const row = Math.min(slots - 1, Math.max(0, Math.round(screenY(scene, frame.view, i)) + 1));
        const slot = layout.x[i]! * slots + row;
        if (taken[slot]) continue;
        taken[slot] = 1;
      }
      chosen[faded]!.push(i);
    }
  }
  return [...chosen[1]!, ...chosen[0]!];
}
