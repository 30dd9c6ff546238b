/** The stops of the guided tour, in order. */
export interface Stop {
  /** Page that the stop is on, as in the address. */
  page: string;
  /** What it points to, as a CSS selector. */
  target: string;
  title: string;
  text: string;
}

export const STOPS: readonly Stop[] = [
  {
    page: "overview",
    target: '[aria-label="Model map"]',
    title: "The map",
    text:
      "Each dot is a model, and each ribbon is the step that made it from its parent. Where a ribbon changes " +
      "color, accuracy was lost or regained. Click to select, shift-click to add, drag to select an area.",
  },
  {
    page: "overview",
    target: '[aria-label="Model scatterplot"]',
    title: "The scatterplot",
    text:
      "This chart shows what each model costs and how good it is. No model beats those on the line on both. Drag the " +
      "triangle on an axis to set a budget: models beyond it fade.",
  },
  {
    page: "overview",
    target: '[aria-label="Details"]',
    title: "The details",
    text:
      "Select one model to see how it was made, or several to chart what differs between them. The Effects tab shows " +
      "what each operation does on average, over pairs that differ only in that step.",
  },
  {
    page: "behaviors",
    target: "nav [aria-current]",
    title: "Behaviors",
    text:
      "Two models of equal accuracy can be wrong on different examples. This page lists the examples, classes and " +
      "slices that changed, with intervals.",
  },
  {
    page: "layers",
    target: "nav [aria-current]",
    title: "Layers",
    text:
      "This page shows where inside the network the damage happened: zeros, weights, storage and activations of " +
      "every layer, and the layers to suspect.",
  },
  {
    page: "experiments",
    target: "nav [aria-current]",
    title: "Experiments",
    text: "Apply an operation to a model, or run a whole recipe. The new models appear on the map.",
  },
  {
    page: "overview",
    target: "header",
    title: "Keep what you see",
    text:
      "The address holds the whole view: send it to someone, or save it under a name with Views. Press / to search " +
      "for models and ? for the keyboard shortcuts and this tour.",
  },
];
