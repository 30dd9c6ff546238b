/** Color scales as values, for canvases and legends; the other colors are in tokens.css. */

export type Theme = "light" | "dark";

/**
 * More is further from the background, from ocher over green and teal to violet in both themes. Equal steps in OKLab,
 * luminance monotone, told apart without red or green cones; the near end has a contrast of 3 : 1.
 */
export const SEQUENTIAL: Record<Theme, readonly string[]> = {
  light: [
    "#b08b1f",
    "#8a8a07",
    "#5c8721",
    "#0b823d",
    "#037655",
    "#06665f",
    "#045560",
    "#024360",
    "#003368",
    "#171f6c",
    "#270857",
  ],
  dark: [
    "#7d6001",
    "#77751a",
    "#698a3e",
    "#549d64",
    "#3fad8b",
    "#38b9b3",
    "#50c3d6",
    "#77cbf4",
    "#a4d0fe",
    "#cad8fe",
    "#e8e4fe",
  ],
};

/** From bad (orange) over no change (gray, in the middle) to good (blue). */
export const DIVERGING: Record<Theme, readonly string[]> = {
  light: [
    "#954200",
    "#af5c1c",
    "#c87832",
    "#db9650",
    "#dcb687",
    "#d8d0c3",
    "#94c1e3",
    "#67a9de",
    "#468ecc",
    "#2d73b6",
    "#1b589e",
  ],
  dark: [
    "#f4a34b",
    "#da883a",
    "#ba712d",
    "#976029",
    "#705433",
    "#4c473f",
    "#3a5f7c",
    "#3676a7",
    "#4a90c7",
    "#63abe2",
    "#80c7f8",
  ],
};

/** Okabe and Ito's eight, in their order but for black, which follows the theme and comes last. */
export const CATEGORICAL: Record<Theme, readonly string[]> = {
  light: ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#1b1f26"],
  dark: ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#2e8fd0", "#d55e00", "#cc79a7", "#e7e9ec"],
};

/** What a ninth category and all after it look like. */
export const OTHER: Record<Theme, string> = { light: "#9aa2ad", dark: "#717a87" };

/** The neutral colors that canvases draw with; equal to the tokens of the same name. */
export const CHROME: Record<Theme, Chrome> = {
  light: {
    background: "#ffffff",
    hairline: "#e3e6ea",
    border: "#c9ced6",
    text: "#1b1f26",
    quiet: "#596270",
    mark: "#6b7482",
    hover: "#14171c",
    accent: "#1f62d8",
  },
  dark: {
    background: "#15171b",
    hairline: "#2a2e35",
    border: "#434a55",
    text: "#e7e9ec",
    quiet: "#a2aab6",
    mark: "#8a93a0",
    hover: "#ffffff",
    accent: "#74a9ff",
  },
};

export interface Chrome {
  background: string;
  hairline: string;
  border: string;
  text: string;
  quiet: string;
  mark: string;
  hover: string;
  accent: string;
}

/** Opacity of models that a filter leaves out. */
export const FILTERED = 0.15;
