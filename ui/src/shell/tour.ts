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
      "Every dot is a model, every ribbon the step that made it from its base. Where a ribbon changes color, " +
      "something was lost or won. Click selects, shift adds, a drag selects what is inside.",
  },
  {
    page: "overview",
    target: '[aria-label="Model scatterplot"]',
    title: "The scatterplot",
    text:
      "What a model costs against how good it is. On the line nothing is better in both. Drag the triangle on an " +
      "axis to set a budget: what is beyond it fades.",
  },
  {
    page: "overview",
    target: '[aria-label="Details"]',
    title: "The details",
    text:
      "One model: how it came about. Several: in what they differ, as charts. The tab Effects says what each " +
      "operation does on the average of all pairs that differ in it alone.",
  },
  {
    page: "behaviors",
    target: "nav [aria-current]",
    title: "Behaviors",
    text:
      "Two models of equal accuracy can be wrong on different inputs. Here are the inputs, classes and slices " +
      "that changed, each with its interval.",
  },
  {
    page: "layers",
    target: "nav [aria-current]",
    title: "Layers",
    text:
      "Where inside the network it happened: zeros, weights, storage and activations of every layer, and which " +
      "layers are suspect.",
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
      "The address holds all of it: send it, or keep it under a name with Views. / searches for models, ? shows " +
      "the keys and starts this tour again.",
  },
];
