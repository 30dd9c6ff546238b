// @vitest-environment jsdom
import { makeApp, NEVER, Problem, server, show, type Answers } from "@/testing/app";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Instance } from "@/api/behaviors";
import { behaviors, DATASET, example, INSTANCE } from "@/testing/behaviors";
import Behaviors from "./Behaviors.svelte";
import Words from "./Words.svelte";

async function open(instance: unknown, dataset: Record<string, unknown> = {}): Promise<HTMLElement> {
  const answers: Answers = {
    "GET behaviors/answered": { models: ["cnn", "p50"] },
    "POST behaviors": behaviors(),
    "POST behaviors/instance": instance,
    "GET behaviors/audio": new Response(new Uint8Array(8) as BodyInit),
  };
  const app = makeApp({
    datasets: [{ ...DATASET, ...dataset }] as never,
    answers,
    address: "/behaviors?sel=cnn&sel=p50&id=x0",
  });
  show(Behaviors, {}, app);
  return screen.findByRole("complementary");
}

const of = (change: Partial<Instance>): Instance => ({ ...INSTANCE, ...change });

describe("the panel of an example", () => {
  it("says what it is, what each model predicts and how sure it is", async () => {
    const panel = await open(INSTANCE);
    await waitFor(() => expect(panel.textContent).toContain("a short text"));
    expect(within(panel).getAllByLabelText("wrong").length).toBe(1);
    expect(panel.textContent).toMatch(/90[^]*20[^]*10[^]*80/);
    expect(server.of("POST behaviors/instance")[0]!.body).toMatchObject({ base: "cnn", models: ["p50"], id: "x0" });
  });
  it("lists what else is known of it", async () => {
    const panel = await open(of({ row: { ...example(0), ink: 0.25, weather: "rain" } }));
    await waitFor(() => expect(panel.textContent).toMatch(/ink[^]*0\.25[^]*weather[^]*rain/));
  });
  it("waits", async () => {
    const panel = await open(NEVER);
    expect(panel.textContent).not.toContain("a short text");
  });
  it("says why it is not there", async () => {
    const panel = await open(new Problem("x", "No such example.", "x0 is not in test."));
    expect((await within(panel).findByRole("alert")).textContent).toContain("No such example.");
  });
  it("closes", async () => {
    const panel = await open(INSTANCE);
    await fireEvent.click(within(panel).getByRole("button", { name: /Close/ }));
    expect(screen.queryByRole("complementary")).toBeNull();
  });
  it("shows its image at its address", async () => {
    const panel = await open(of({ has_image: true, text: null }));
    await waitFor(() => expect(panel.querySelector("img")).not.toBeNull());
    const address = new URL(panel.querySelector("img")!.src);
    expect(Object.fromEntries(address.searchParams)).toEqual({ dataset: "test", id: "x0" });
  });
  it("shows its image under the masks, once", async () => {
    const mask = { height: 1, width: 2, step: 1, classes: [0], lengths: [2] };
    const masks = [null, "cnn", "p50"].map((model) => ({ ...mask, model }));
    const panel = await open(of({ has_image: true, masks, mask_classes: [{ number: 0, name: "road" }] }));
    const picture = await within(panel).findByRole("img", { name: /same class 100/ });
    expect(panel.querySelectorAll("img")).toHaveLength(1);
    expect(picture.querySelector("img")).not.toBeNull();
  });
  it("colors tokens by what changed, and says it", async () => {
    const numbers = [
      { measure: "log_probability", model: "cnn", values: [-1, -2] },
      { measure: "log_probability", model: "p50", values: [-1, -4] },
    ];
    const panel = await open(of({ tokens: ["good", " bye"], token_numbers: numbers }));
    await waitFor(() => expect(panel.textContent).toContain("good"));
    const told = [...panel.querySelectorAll("[title]")].map((token) => token.getAttribute("title")!);
    expect(told.some((title) => /" bye".*−4.*−2 against/.test(title))).toBe(true);
  });
  it("shows what models wrote, with what differs from the base", async () => {
    const row = { ...example(0), "text[cnn]": "a red fox", "text[p50]": "a red box" };
    const panel = await open(of({ row, probabilities: [] }));
    await waitFor(() => expect(panel.querySelector("ins")?.textContent).toContain("box"));
    expect(panel.querySelector("del")?.textContent).toContain("fox");
  });
});

describe("a sound", () => {
  const source = { connect: vi.fn(), start: vi.fn(), stop: vi.fn(), onended: (): void => undefined, buffer: null };
  let decode: () => Promise<unknown>;

  class FakeAudio {
    readonly destination = {};
    decodeAudioData = (): Promise<unknown> => decode();
    createBufferSource = (): typeof source => source;
    resume = (): Promise<void> => Promise.resolve();
    close = (): Promise<void> => Promise.resolve();
  }
  beforeEach(() => vi.stubGlobal("AudioContext", FakeAudio));
  afterEach(() => vi.unstubAllGlobals());

  it("is drawn, and played until it ends or is stopped", async () => {
    decode = () => Promise.resolve({ duration: 1.5, getChannelData: () => new Float32Array([0, 1, -1, 0]) });
    const panel = await open(of({ has_audio: true, text: null }));
    const play = await within(panel).findByRole<HTMLButtonElement>("button", { name: "Play" });
    await waitFor(() => expect(play.disabled).toBe(false));
    expect(panel.textContent).toContain("1.50 s");
    expect(within(panel).getByRole("img").querySelector("path")!.getAttribute("d")).not.toBe("");
    await fireEvent.click(play);
    expect(source.start).toHaveBeenCalledOnce();
    await fireEvent.click(within(panel).getByRole("button", { name: "Stop" }));
    expect(source.stop).toHaveBeenCalledOnce();
    source.onended();
    await within(panel).findByRole("button", { name: "Play" });
  });
  it("says that it is none", async () => {
    decode = () => Promise.reject(new Error("cannot play"));
    const panel = await open(of({ has_audio: true, text: null }));
    await waitFor(() => expect(panel.textContent).toMatch(/cannot play/));
    expect(within(panel).queryByRole("button", { name: "Play" })).toBeNull();
  });
});

describe("a text that a model wrote", () => {
  it("is held against the base's, or on demand against the label", async () => {
    const { container } = render(Words, { text: "the red box", base: "the red fox", label: "the blue box" });
    expect([
      container.querySelector("del")!.textContent!.trim(),
      container.querySelector("ins")!.textContent!.trim(),
    ]).toEqual(["fox", "box"]);
    await fireEvent.click(screen.getByRole("button"));
    expect(container.querySelector("del")!.textContent!.trim()).toBe("blue");
    expect(screen.getByRole("button").getAttribute("aria-pressed")).toBe("true");
  });
  it("stands alone where there is nothing to hold it against", () => {
    const { container } = render(Words, { text: "the red box", base: null, label: null });
    expect([container.textContent!.trim(), container.querySelector("del, ins, button")]).toEqual(["the red box", null]);
  });
});
