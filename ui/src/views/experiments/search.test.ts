// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import { makeApp, Problem, server, show, type Answers } from "@/testing/app";
import { DISTILL, job, PRUNE } from "@/testing/jobs";
import Experiments from "./Experiments.svelte";
import { countOf, recipeOf, valuesOf } from "./space";

const prune = { operation: "magnitude prune", parameter: "amount", values: "0.5, 0.9" };
const quantize = { operation: "quantize", parameter: "bits", values: "8,4,3" };

describe("the space of operations", () => {
  it("has each step done with one of its values, or left out, in their order", () => {
    expect(countOf([prune, quantize])).toBe(3 * 4 - 1);
    expect(recipeOf("cnn", [prune, quantize])).toBe(
      [
        'base: "cnn"',
        "steps:",
        '  - "magnitude prune": {"amount": [0.5, 0.9]}',
        "    then:",
        '      - "quantize": {"bits": [8, 4, 3]}',
        '  - "quantize": {"bits": [8, 4, 3]}',
        "",
      ].join("\n"),
    );
  });
  it("takes operations as usual, and leaves out what is not said", () => {
    const calibrate = { operation: "calibrate", parameter: "", values: "" };
    expect(recipeOf("a", [calibrate, { ...prune, values: " " }])).toBe('base: "a"\nsteps:\n  - "calibrate"\n');
    expect(recipeOf("a", [calibrate, quantize])).toContain('- "calibrate": {}\n    then:');
    expect(countOf([])).toBe(0);
  });
  it("keeps numbers and truth values, and quotes words", () => {
    expect(valuesOf("1, true, per channel, 1e-3,")).toEqual(["1", "true", '"per channel"', "1e-3"]);
  });
});

describe("the panel of a search", () => {
  beforeEach(() => sessionStorage.clear());
  const open = (answers: Answers = {}): void => {
    const found = { "GET operations": { operations: [PRUNE, DISTILL], roots: ["cnn"] }, "POST jobs": job({}) };
    show(Experiments, {}, makeApp({ answers: { ...found, ...answers }, address: "/experiments?do=search" }));
  };
  it("asks for models of the space by the primary metrics", async () => {
    open();
    const form = await screen.findByRole("form", { name: "Search" });
    expect(within(form).getByRole("status").textContent.trim()).toMatch(/^19.models to choose from$/);
    await fireEvent.click(within(form).getByRole("button", { name: "Add a budget" }));
    await fireEvent.input(within(form).getByPlaceholderText(/^(300 kB|0\.9)$/), { target: { value: "0.95" } });
    await fireEvent.click(within(form).getByRole("button", { name: "Search" }));
    await waitFor(() => expect(server.asked.some(({ body }) => body?.kind === "search")).toBe(true));
    const { body } = server.asked.find((asked) => asked.body?.kind === "search")!;
    expect(body!.recipe).toContain('base: "cnn"');
    expect((body!.objectives as string[]).length).toBeGreaterThan(0);
    expect(Object.values(body!.budgets as object)).toEqual(["0.95"]);
  });
  it("says what the server refuses, and that a recipe is missing", async () => {
    open({ "POST jobs": new Problem("search.done", "All models of this recipe exist.", "", "Give it more values.") });
    const form = await screen.findByRole("form", { name: "Search" });
    await fireEvent.click(within(form).getByRole("button", { name: "Search" }));
    expect((await within(form).findByRole("alert")).textContent).toMatch(/exist/);
    await fireEvent.click(within(form).getByRole("button", { name: "Recipe" }));
    expect(within(form).getByText(/Write a recipe/)).toBeTruthy();
    expect(within(form).getByRole<HTMLButtonElement>("button", { name: "Search" }).disabled).toBe(true);
  });
});
