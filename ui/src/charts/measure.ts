/** How wide words are in the faces of the page: no two faces have letters of one width. */

export type Face = "font" | "mono";
/** The width of a text in pixels. */
export type Ruler = (text: string) => number;

/** Of a letter, as a share of its size, where nothing can be measured: that of a wide face. */
const WIDE = 0.62;

/** Measures words of a size in pixels. Browsers answer; where there is no canvas, letters are taken to be wide. */
export function rulerOf(face: Face, size: number): Ruler {
  const pen = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(document.documentElement).getPropertyValue(`--${face}`);
  const known = new Map<string, number>();
  if (pen) pen.font = `${size}px ${family || "sans-serif"}`;
  return (text) => {
    let width = known.get(text);
    if (width === undefined) known.set(text, (width = pen?.measureText(text).width ?? text.length * size * WIDE));
    return width;
  };
}

/** How many letters of the widest of some words fit, going by their mean: for labels that are cut to a number. */
export function lettersIn(room: number, words: readonly string[], ruler: Ruler): number {
  const widest = words.reduce((most, word) => Math.max(most, ruler(word) / Math.max(1, word.length)), 0);
  return widest > 0 ? Math.max(3, Math.floor(room / widest)) : Number.MAX_SAFE_INTEGER;
}
