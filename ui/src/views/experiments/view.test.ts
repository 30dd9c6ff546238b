// @vitest-environment jsdom
import { makeApp, NEVER, Problem, server, show, type Answers, type Asked } from "@/testing/app";
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { beforeEach, describe, expect, it } from "vitest";
import type { AppState } from "@/state/app";
import { DISTILL, job, PRUNE } from "@/testing/jobs";
import Experiments from "./Experiments.svelte";

const planned = ({ body }: Asked) => ({
  models: [{ id: (body!.id as string) ?? `${String(body!.model)}-pruned`, base: null, operation: null, done: false }],
});
const one = (model: object) => ({ models: [{ base: "cnn", operation: "x", done: false, alike: [], ...model }] });
const FULL: Answers = {
  "GET operations": { operations: [PRUNE, DISTILL], roots: ["cnn"] },
  "POST jobs/plan": planned,
  "POST jobs": job({ state: "queued" }),
  "GET jobs/log": { text: "epoch 1\nepoch 2\n", num_bytes: 16 },
};

function open(address: string, answers: Answers = {}): AppState {
  const app = makeApp({ answers: { ...FULL, ...answers }, address: `/experiments?${address}` });
  show(Experiments, {}, app);
  return app;
}

const own = (app: AppState): Record<string, readonly string[]> =>
  new Proxy({ ...app.view.state.own }, { get: (values, name) => values[String(name)] ?? [] });
const OPERATION = "operation=magnitude%20prune";
const runButton = (): HTMLButtonElement => screen.getByRole("button", { name: /^Run/ });

beforeEach(() => sessionStorage.clear());

describe("the operations", () => {
  it("are listed in groups, and chosen with a click or the keys", async () => {
    const app = open(`sel=cnn&${OPERATION}`);
    const list = await screen.findByRole("navigation", { name: "Operations" });
    const buttons = within(list).getAllByRole("button");
    expect(buttons.map(({ textContent }) => textContent)).toEqual(["magnitude prune", "distill"]);
    expect(buttons[0]!.getAttribute("aria-current")).toBe("true");
    await fireEvent.click(buttons[1]!);
    expect(own(app).operation).toEqual(["distill"]);
    buttons[1]!.focus();
    await fireEvent.keyDown(list, { key: "ArrowUp" });
    expect(document.activeElement).toBe(buttons[0]);
    expect(buttons[0]!.getAttribute("aria-current")).toBe("true");
  });
  it("say why they cannot be listed", async () => {
    open("sel=cnn", { "GET operations": new Problem("x", "The project cannot be read.", "", "Ask.") });
    expect((await screen.findByRole("alert")).textContent).toMatch(/cannot be read.[^]*Ask./);
  });
  it("say that there is none of that name", async () => {
    open("sel=cnn&operation=melt");
    await waitFor(() => expect(screen.getByText(/“melt”/)).toBeTruthy());
    expect(screen.queryByRole("form")).toBeNull();
  });
});

describe("the form of an operation", () => {
  it("asks for models where none is selected, and proposes roots", async () => {
    const app = open(OPERATION);
    const form = await screen.findByRole("form");
    expect(runButton().disabled).toBe(true);
    await fireEvent.click(within(form).getByRole("button", { name: "cnn" }));
    expect(app.view.state.selection).toEqual(["cnn"]);
  });
  it("says what it makes, and runs", async () => {
    open(`sel=cnn&${OPERATION}`);
    const id = await screen.findByLabelText<HTMLInputElement>("Id of the new model");
    expect(id.placeholder).toBe("cnn-pruned");
    expect(runButton().disabled).toBe(false);
    await fireEvent.submit(screen.getByRole("form"));
    await waitFor(() => expect(server.of("POST jobs").length).toBe(1));
    expect(server.of("POST jobs")[0]!.body).toMatchObject({
      kind: "operation",
      model: "cnn",
      operation: "magnitude prune",
      parameters: { amount: 0.5 },
    });
  });
  it("takes what is typed, refuses what cannot be, and goes back", async () => {
    const app = open(`sel=cnn&${OPERATION}`);
    await screen.findByRole("form");
    const amount = screen.getByLabelText<HTMLInputElement>("amount");
    await fireEvent.input(amount, { target: { value: "2" } });
    expect((await screen.findByRole("alert")).textContent).toMatch(/1/);
    expect([amount.getAttribute("aria-invalid"), runButton().disabled]).toEqual(["true", true]);
    await fireEvent.input(amount, { target: { value: "0.75" } });
    expect(screen.queryByRole("alert")).toBeNull();
    expect(own(app).set).toEqual(['["amount","0.75"]']);
    await waitFor(() =>
      expect(server.of("POST jobs/plan").at(-1)!.body).toMatchObject({ parameters: { amount: 0.75 } }),
    );
    await fireEvent.click(screen.getByRole("button", { name: "Reset amount" }));
    expect([amount.value, own(app).set]).toEqual(["0.5", []]);
  });
  it("has a slider for shares, a list for choices and a box for yes and no", async () => {
    const app = open(`sel=cnn&${OPERATION}`);
    await screen.findByRole("form");
    await fireEvent.input(screen.getByLabelText("amount, by a slider"), { target: { value: "0.9" } });
    await fireEvent.change(screen.getByLabelText("scope"), { target: { value: "local" } });
    await fireEvent.click(screen.getByLabelText("keep"));
    expect([...own(app).set!].sort()).toEqual(['["amount","0.9"]', '["keep",false]', '["scope","local"]']);
  });
  it("takes another id", async () => {
    open(`sel=cnn&${OPERATION}`);
    const id = await screen.findByLabelText("Id of the new model");
    await fireEvent.input(id, { target: { value: "mine" } });
    await waitFor(() => expect(server.of("POST jobs/plan").at(-1)!.body!.id).toBe("mine"));
  });
  it("is applied to every selected model", async () => {
    open(`sel=cnn&sel=p50&${OPERATION}`);
    await screen.findByRole("form");
    await waitFor(() => expect(runButton().textContent?.trim()).toBe("Run 2"));
    await fireEvent.submit(screen.getByRole("form"));
    await waitFor(() => expect(server.of("POST jobs").map(({ body }) => body!.model)).toEqual(["cnn", "p50"]));
  });
  it("leaves out a model", async () => {
    const app = open(`sel=cnn&sel=p50&${OPERATION}`);
    await fireEvent.click(await screen.findByRole("button", { name: "Leave out p50" }));
    expect(app.view.state.selection).toEqual(["cnn"]);
  });
  it("says of what it makes that it is there already", async () => {
    open(`sel=cnn&${OPERATION}`, { "POST jobs/plan": one({ id: "p50", done: true }) });
    await screen.findByRole("form");
    await waitFor(() => expect(screen.getByText(/another id/)).toBeTruthy());
    expect(runButton().disabled).toBe(true);
  });
  it("leads to what was made in the same way, and may make it once more under another id", async () => {
    const app = open(`sel=cnn&${OPERATION}`, { "POST jobs/plan": one({ id: "cnn-new", alike: ["p50", "gone"] }) });
    const link = await screen.findByRole("button", { name: "p50" });
    expect(screen.queryByRole("button", { name: "gone" })).toBeNull();
    expect(runButton().disabled).toBe(false);
    await fireEvent.click(link);
    expect([app.view.state.page, app.view.state.selection]).toEqual(["overview", ["p50"]]);
  });
  it("says what the server has against it, beside the field that it is about", async () => {
    open(`sel=cnn&${OPERATION}`, {
      "POST jobs/plan": new Problem("x", "magnitude prune: amount must be below 0.5", "It is 0.5."),
    });
    const alert = await screen.findByRole("alert");
    expect(alert.closest(".parameter")?.textContent).toContain("amount");
  });
  it("says what the server has against the whole", async () => {
    open(`sel=cnn&${OPERATION}`, { "POST jobs/plan": new Problem("x", "No room on the disk.", "", "Free some.") });
    const form = await screen.findByRole("form");
    await waitFor(() => expect(form.textContent).toMatch(/No room on the disk.[^]*Free some./));
  });
  it("says why it could not be started", async () => {
    open(`sel=cnn&${OPERATION}`, { "POST jobs": new Problem("x", "Too many jobs.") });
    const form = await screen.findByRole("form");
    await waitFor(() => expect(runButton().disabled).toBe(false));
    await fireEvent.submit(form);
    await waitFor(() => expect(form.textContent).toContain("Too many jobs."));
  });
  it("shows how to name a task where there is none", async () => {
    open(`sel=cnn&${OPERATION}`, { "GET operations": { operations: [PRUNE], roots: [] } });
    await waitFor(() => expect(document.querySelectorAll(".no-task pre").length).toBe(2));
    expect(document.querySelector(".no-task pre")!.textContent).toContain('base: "cnn"');
  });
  it("asks for a second model, at first the root", async () => {
    const app = open("sel=p50&operation=distill");
    const teacher = await screen.findByLabelText<HTMLInputElement>("teacher");
    expect(teacher.value).toBe("cnn");
    await fireEvent.input(teacher, { target: { value: "p50" } });
    expect(own(app).ref).toEqual(['["teacher","p50"]']);
  });
});

describe("the jobs", () => {
  const jobs = (...list: ReturnType<typeof job>[]): Answers => ({ "GET jobs": { jobs: list } });

  it("say what they are for where there are none", async () => {
    open("");
    const region = screen.getByRole("region", { name: "Jobs" });
    await waitFor(() => expect(region.querySelector("p.empty")).not.toBeNull());
  });
  it("say how far they are and can be cancelled", async () => {
    open("", { ...jobs(job()), "POST jobs/cancel": { jobs: [] } });
    expect((await screen.findByRole<HTMLProgressElement>("progressbar")).value).toBe(0.25);
    expect(screen.getByText("epoch 1 of 4")).toBeTruthy();
    await fireEvent.click(screen.getByRole("button", { name: "Cancel prune cnn" }));
    await waitFor(() => expect(server.of("POST jobs/cancel")[0]!.body).toEqual({ ids: ["j1"] }));
  });
  it("can all be cancelled", async () => {
    open("", { ...jobs(job(), job({ id: "j2", state: "queued" })), "POST jobs/cancel": { jobs: [] } });
    await fireEvent.click(await screen.findByRole("button", { name: "Cancel all" }));
    await waitFor(() => expect(server.of("POST jobs/cancel")[0]!.body).toEqual({ ids: ["j1", "j2"] }));
  });
  it("lead to the model that was made", async () => {
    const app = open("", jobs(job({ state: "done", model: "p50", finished_at: "2026-01-01T00:01:00Z" })));
    await fireEvent.click(await screen.findByTitle("Show p50 on the overview"));
    expect([app.view.state.page, app.view.state.selection]).toEqual(["overview", ["p50"]]);
  });
  it("say why one failed, and try again", async () => {
    const error = { code: "x", title: "Diverged.", detail: "The loss is NaN.", hint: "Lower the rate." };
    open("", { ...jobs(job({ state: "failed", error })), "POST jobs/retry": job() });
    await waitFor(() => expect(screen.getByText("Diverged. The loss is NaN. Lower the rate.")).toBeTruthy());
    await fireEvent.click(screen.getByRole("button", { name: "Retry prune cnn" }));
    await waitFor(() => expect(server.of("POST jobs/retry")[0]!.query.get("id")).toBe("j1"));
  });
  it("say why they cannot be cancelled", async () => {
    open("", { ...jobs(job()), "POST jobs/cancel": new Problem("x", "It has ended.") });
    await fireEvent.click(await screen.findByRole("button", { name: "Cancel prune cnn" }));
    expect((await screen.findByRole("alert")).textContent).toContain("It has ended.");
  });
  it("show the parts of a recipe, oldest first, folded once it is done", async () => {
    const recipe = job({ id: "r", kind: "recipe", title: "recipe", state: "done", model: null });
    const part = (id: string): ReturnType<typeof job> => job({ id, title: `part ${id}`, parent: "r", state: "done" });
    open("", jobs(recipe, part("b"), part("a")));
    const parts = await screen.findByRole("button", { name: /^2.parts$/ });
    expect(screen.queryByText("part a")).toBeNull();
    await fireEvent.click(parts);
    const titles = [...document.querySelectorAll(".title")].map(({ textContent }) => textContent);
    expect(titles).toEqual(["recipe", "part a", "part b"]);
  });
  it("show what one printed", async () => {
    const app = open("", jobs(job({ state: "done" })));
    await fireEvent.click(await screen.findByRole("button", { name: "Log of prune cnn" }));
    expect(own(app).job).toEqual(["j1"]);
    expect((await screen.findByRole("log")).textContent).toBe("epoch 1\nepoch 2\n");
    await fireEvent.click(screen.getByRole("button", { name: "Log of prune cnn" }));
    expect(screen.queryByRole("log")).toBeNull();
  });
  it("say how much of a long log is left out, and that there is none", async () => {
    open("job=j1", { ...jobs(job({ state: "done" })), "GET jobs/log": { text: "end", num_bytes: 20_003 } });
    await waitFor(() => expect(screen.getByText(/20.* kB/)).toBeTruthy());
  });
  it.each([
    ["", { text: "", num_bytes: 0 }],
    ["alert", new Problem("x", "No such job.")],
  ])("say of a log that it is not there %s", async (role, answer) => {
    open("job=j1", { ...jobs(job({ state: "done" })), "GET jobs/log": answer });
    if (role) expect((await screen.findByRole("alert")).textContent).toBe("No such job.");
    else await waitFor(() => expect(document.querySelector(".log .caption")).not.toBeNull());
  });
});

describe("a recipe", () => {
  const models = [
    { id: "cnn", base: null, operation: "train", parameters: {}, done: true },
    { id: "cnn-4bit", base: "cnn", operation: "quantize", parameters: { bits: 4 }, done: false },
  ];
  const PLANNED: Answers = {
    "POST jobs/plan": { models },
    "POST jobs/plan/sizes": { sizes: { cnn: 400_000, "cnn-4bit": null } },
  };
  const write = async (text: string): Promise<void> => {
    await fireEvent.input(await screen.findByRole("textbox"), { target: { value: text } });
  };

  it("is planned: what would be made, and how large", async () => {
    open("do=recipe", PLANNED);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Plan" }).disabled).toBe(true);
    await write("base: cnn");
    await fireEvent.click(screen.getByRole("button", { name: "Plan" }));
    const table = await screen.findByRole("region", { name: "Planned models" });
    await waitFor(() => expect(table.textContent).toMatch(/400.kB/));
    const rows = within(table).getAllByRole("row").slice(1);
    expect(rows.map((row) => row.textContent?.includes("—"))).toEqual([false, true]);
    expect(screen.getByRole("region", { name: "Plan" }).textContent).toContain("1 of 2");
    expect(runButton().textContent?.trim()).toBe("Run 1");
  });
  it("runs, and is kept for when one comes back", async () => {
    open("do=recipe", PLANNED);
    await write("base: cnn");
    await fireEvent.click(runButton());
    await waitFor(() => expect(server.of("POST jobs")[0]!.body).toEqual({ kind: "recipe", recipe: "base: cnn" }));
    expect(sessionStorage.getItem("compress-compare.recipe")).toBe("base: cnn");
  });
  it("says which line is wrong", async () => {
    const wrong = new Problem("recipe.yaml", "Not YAML.", "line 2, column 3: no key", "Look at it.");
    open("do=recipe", { "POST jobs/plan": wrong });
    await write("a\n b");
    await fireEvent.click(screen.getByRole("button", { name: "Plan" }));
    expect((await screen.findByRole("alert")).textContent).toMatch(/Not YAML.[^]*line 2[^]*Look at it./);
    await write("a: b");
    expect(screen.queryByRole("alert")).toBeNull();
  });
  it("says why sizes are not known, and that nothing is to do", async () => {
    open("do=recipe", {
      "POST jobs/plan": { models: models.slice(0, 1) },
      "POST jobs/plan/sizes": new Problem("x", "No shapes.", "cnn has no checkpoint."),
    });
    await write("base: cnn");
    await fireEvent.click(screen.getByRole("button", { name: "Plan" }));
    await waitFor(() => expect(screen.getByText(/No shapes. cnn has no checkpoint./)).toBeTruthy());
    expect(runButton().disabled).toBe(true);
  });
  it("waits for sizes", async () => {
    open("do=recipe", { ...PLANNED, "POST jobs/plan/sizes": NEVER });
    await write("base: cnn");
    await fireEvent.click(screen.getByRole("button", { name: "Plan" }));
    expect((await screen.findByRole("table")).getAttribute("aria-busy")).toBe("true");
  });
  it("begins with an example", async () => {
    open("do=recipe&sel=p50");
    await fireEvent.click(await screen.findByTitle(/recipe for p50/));
    expect(screen.getByRole<HTMLTextAreaElement>("textbox").value).toContain("p50");
  });
  it("is too long for the server", async () => {
    open("do=recipe");
    await write("x".repeat(64_001));
    expect(runButton().disabled).toBe(true);
    expect(screen.getByText(/64,000/)).toBeTruthy();
  });
  it("stands beside the operations as a tab", async () => {
    const app = open(OPERATION);
    await fireEvent.click(screen.getByRole("tab", { name: /recipe/ }));
    expect(own(app).do).toEqual(["recipe"]);
    expect(screen.getByRole("toolbar", { name: "Recipe" })).toBeTruthy();
  });
});
