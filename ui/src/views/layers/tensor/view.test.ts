// @vitest-environment jsdom
import { makeApp, NEVER, Problem, server, show, TABLE, type Answers, type Asked } from "@/testing/app";
import { SIZE } from "@/testing/browser";
import { float64, tableFromArrays, tableToIPC, type Schema } from "@uwdata/flechette";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import { layersOf } from "@/testing/layers";
import { modelOf } from "@/testing/models";
import Layers from "../Layers.svelte";

/** A matrix of 8 output channels of 4 numbers. */
const FACTS = {
  model: "p50",
  tensor: "head.weight",
  counterpart: null,
  alignment: "same",
  compares: true,
  shape: [8, 4],
  dtype: "FLOAT32",
  rows: 8,
  columns: 4,
  rms: 0.5,
  rms_change: 0.1,
  peak: 2,
  peak_change: 0.5,
  codebook: { values: [-1, 0, 1], counts: [10, 12, 10] },
  codes: null,
};

function stream(columns: Record<string, number[]>, metadata: [string, string][] = []): Uint8Array {
  const types = Object.fromEntries(Object.keys(columns).map((name) => [name, float64()]));
  const table = tableFromArrays(columns, { types });
  const schema: Schema = { ...table.schema, metadata: new Map(metadata) };
  Object.defineProperty(table, "schema", { value: schema });
  return tableToIPC(table, { format: "stream" })!;
}

const TILE = stream(
  {
    mean: Array.from({ length: 32 }, (_, k) => k / 10),
    peak: Array.from({ length: 32 }, (_, k) => k / 10),
    model: new Array<number>(32).fill(1),
    base: new Array<number>(32).fill(2),
    zero_both: new Array<number>(32).fill(0.5),
    zero_model_only: new Array<number>(32).fill(0.25),
    zero_base_only: new Array<number>(32).fill(0),
  },
  [
    ["rows", "8"],
    ["columns", "4"],
  ],
);
const CHANNELS = stream({
  norm: [1, 2, 3, 4, 5, 6, 7, 8],
  num_zeros: [0, 1, 0, 0, 0, 0, 0, 2],
  change: [0.1, 0, 0, 0, 0, 0, 0, 0.2],
  relative_change: [0.1, 0, 0, 0, 0, 0, 0, 0.9],
});
const SPECTRA = {
  num_examples: null,
  spectra: [{ model: "p50", singular_values: [3, 2, 1, 0.01], why: "", eigenvalues: null }],
};
const FULL: Answers = {
  "GET model": modelOf(TABLE),
  "POST layers": layersOf(),
  "POST layers/suspects": { suspects: [] },
  "POST layers/tensor": ({ body }: Asked) => ({ ...FACTS, model: body!.model, compares: body!.model !== "cnn" }),
  "POST layers/tensor/tile": () => new Response(TILE.slice() as BodyInit),
  "POST layers/tensor/channels": () => new Response(CHANNELS.slice() as BodyInit),
  "POST layers/tensor/spectra": SPECTRA,
};

async function open(more = "", answers: Answers = {}): Promise<{ app: AppState; tensor: HTMLElement }> {
  const app = makeApp({
    answers: { ...FULL, ...answers },
    address: `/layers?sel=cnn&sel=p50&tensor=head.weight${more}`,
  });
  show(Layers, {}, app);
  return { app, tensor: await screen.findByRole("region", { name: "Tensor" }) };
}

const own = (app: AppState): Record<string, readonly string[]> =>
  new Proxy({ ...app.view.state.own }, { get: (values, name) => values[String(name)] ?? [] });
const map = (): Promise<HTMLElement> => screen.findByRole("application", { name: /8 channels by 4 columns/ });

const numbers = () => within(screen.getByRole("group", { name: "Numbers" }));

describe("the look into a tensor", () => {
  it("says what it is, and asks for the cells that there is room for", async () => {
    const { tensor } = await open();
    await map();
    expect(tensor.textContent).toMatch(/head.weight[^]*8 × 4[^]*float32/);
    await waitFor(() => expect(server.of("POST layers/tensor/tile").length).toBe(1));
    expect(server.of("POST layers/tensor/tile")[0]!.body).toMatchObject({
      what: "value",
      row_level: 0,
      column_level: 0,
      model: "p50",
    });
  });
  it("shows the change, or what is zero, of a model that has a counterpart", async () => {
    const { app } = await open();
    await map();
    await fireEvent.click(numbers().getByText("Change"));
    expect(own(app).show).toEqual(["change"]);
    await waitFor(() => expect(server.of("POST layers/tensor/tile").at(-1)!.body!.what).toBe("change"));
    await fireEvent.click(numbers().getByText("Mask"));
    expect(screen.queryByRole("group", { name: "A cell of several numbers shows" })).toBeNull();
  });
  it("has no change of the base", async () => {
    await open("&of=cnn");
    await map();
    const change = numbers().getByText<HTMLButtonElement>("Change");
    expect([change.disabled, change.title]).toEqual([true, "This is the base"]);
  });
  it("shows another model", async () => {
    const { app } = await open();
    await map();
    await fireEvent.change(screen.getByLabelText("Model"), { target: { value: "cnn" } });
    expect(own(app).of).toEqual(["cnn"]);
    await waitFor(() => expect(server.of("POST layers/tensor").at(-1)!.body!.model).toBe("cnn"));
  });
  it("goes back to the layers", async () => {
    const { app } = await open();
    await fireEvent.click(screen.getByRole("button", { name: /Layers/ }));
    expect(own(app).tensor).toEqual([]);
    await screen.findByRole("treegrid");
  });
  it("says why it cannot be shown", async () => {
    const { tensor } = await open("", { "POST layers/tensor": new Problem("x", "No such tensor.", "", "Look again.") });
    expect((await within(tensor).findByRole("alert")).textContent).toMatch(/No such tensor.[^]*Look again./);
  });
  it("waits for spectra, and says why there are none", async () => {
    const { tensor } = await open("", { "POST layers/tensor/spectra": NEVER });
    await waitFor(() => expect(within(tensor).getByText("Computing…")).toBeTruthy());
  });
  it("says why there are no spectra", async () => {
    const { tensor } = await open("", { "POST layers/tensor/spectra": new Problem("x", "Too large.") });
    expect((await within(tensor).findByRole("alert")).textContent).toBe("Too large.");
  });
  it("draws how much of the spectrum matters", async () => {
    const { tensor } = await open();
    const image = await within(tensor).findByRole("img", { name: /^Singular values/ });
    // 9 + 4 + 1 of 14.0001 are more than 99%, 9 + 4 are not
    expect(image.getAttribute("aria-label")).toContain("p50 3 of 4");
  });
});

describe("the channels", () => {
  it("are listed by change, or by anything else, and brought into view", async () => {
    const { app } = await open();
    const table = await screen.findByRole("table", { name: "Output channels" });
    const channels = (): (string | null)[] =>
      within(table)
        .getAllByRole("rowheader")
        .map((cell) => cell.textContent);
    await waitFor(() => expect(channels().slice(0, 2)).toEqual(["7", "0"]));
    await fireEvent.click(within(table).getByTitle("In their own order"));
    expect(channels()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    await fireEvent.click(within(table).getByRole("button", { name: "3" }));
    await waitFor(() => expect(table.querySelector("tr.here th")?.textContent).toBe("3"));
    expect(app.view.state.page).toBe("layers");
  });
});

describe("the heat map", () => {
  it("reads cells with the arrow keys", async () => {
    await open();
    const heat = await map();
    await waitFor(() => expect(server.of("POST layers/tensor/tile").length).toBe(1));
    await fireEvent.keyDown(heat, { key: "ArrowLeft" });
    // from the middle, row 4 and column 2, to the left: the 18th of the numbers, 1.7
    await waitFor(() => expect(document.body.textContent).toMatch(/\[4, 1\][^]*1\.7/));
    await fireEvent.keyDown(heat, { key: "ArrowUp" });
    await waitFor(() => expect(document.body.textContent).toMatch(/\[3, 1\][^]*1\.3/));
  });
  it("comes closer, moves, and shows everything again", async () => {
    const { app } = await open();
    const heat = await map();
    await fireEvent.keyDown(heat, { key: "+" });
    expect(own(app).frame).toEqual(["2~0~4~4"]);
    await fireEvent.keyDown(heat, { key: "ArrowDown", shiftKey: true });
    expect(own(app).frame).toEqual(["3~0~4~4"]);
    await fireEvent.keyDown(heat, { key: "0" });
    expect(own(app).frame).toEqual([]);
  });
  it("shows what a rectangle was dragged over", async () => {
    const { app } = await open();
    const heat = await map();
    const at = (type: string, clientX: number, clientY: number): Promise<boolean> =>
      fireEvent(heat, new MouseEvent(type, { clientX, clientY, button: 0, buttons: 1, bubbles: true }));
    await at("pointerdown", 0, 0);
    await at("pointermove", SIZE.width, SIZE.height / 2);
    await at("pointerup", SIZE.width, SIZE.height / 2);
    expect(own(app).frame).toEqual(["0~0~4~4"]);
  });
});
