// @vitest-environment jsdom
import { clipboard, makeApp, Problem, server, show, TABLE, UNREACHABLE, type AppOptions } from "@/testing/app";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import App from "@/App.svelte";
import { ApiError } from "@/api/problem";
import type { AppState } from "@/state/app";
import { TourState } from "@/state/tour.svelte";
import { testTable } from "@/state/testing";
import { job } from "@/testing/jobs";
import Problems from "./Problem.svelte";
import Search from "./Search.svelte";
import { STOPS } from "./tour";
import Tour from "./Tour.svelte";
import Views from "./Views.svelte";

/** The whole page, on a page that asks for nothing. */
function open(options: AppOptions & { tour?: TourState } = {}): AppState {
  const app = { ...makeApp({ address: "/behaviors", ...options }), tour: options.tour ?? null };
  render(App, { app });
  return app;
}

describe("the header", () => {
  it("names the project and leads to the pages", async () => {
    const app = open();
    expect(screen.getByText("demo")).toBeTruthy();
    const nav = screen.getByRole("navigation", { name: "Pages" });
    const pages = within(nav).getAllByRole("button");
    const names = ["Overview", "Models", "Behaviors", "Layers", "Plan", "Experiments"];
    expect(pages.map(({ textContent }) => textContent)).toEqual(names);
    expect(pages[2]!.getAttribute("aria-current")).toBe("page");
    await fireEvent.click(pages[3]!);
    expect([app.view.state.page, location.hash.startsWith("#/layers")]).toEqual(["layers", true]);
    expect(pages[3]!.getAttribute("aria-current")).toBe("page");
  });
  it("gives the project as one file, also to whoever may only read", async () => {
    const app = open();
    app.project.info = { ...app.project.info!, role: "read" };
    await fireEvent.click(screen.getByRole("button", { name: "What can be done with the project" }));
    const download = screen.getByRole("menuitem", { name: "Download all of it (.ccz)" });
    expect(download.getAttribute("href")).toMatch(/api\/v1\/archive$/);
    expect(screen.getByRole("menuitem", { name: /^Import/ }).getAttribute("aria-disabled")).toBe("true");
  });
  it("changes the theme from the system's to light to dark and back", async () => {
    const app = open();
    const theme = (): string => document.documentElement.dataset.theme!;
    for (const [choice, shown] of [
      ["light", "light"],
      ["dark", "dark"],
      ["system", "light"],
    ]) {
      await fireEvent.click(screen.getByRole("button", { name: /^Theme/ }));
      expect([app.theme.choice, theme()]).toEqual([choice, shown]);
    }
  });
  it("says whether the server is there", async () => {
    const app = open();
    for (const connection of ["live", "lost"] as const) {
      app.project.connection = connection;
      await waitFor(() => expect(document.querySelector(".connection")!.getAttribute("data-state")).toBe(connection));
    }
    expect(document.querySelector(".connection")!.textContent).toMatch(/lost/);
  });
  it("says how many jobs there are and leads to them", async () => {
    const app = open({ answers: { "GET jobs": { jobs: [job(), job({ id: "j2", state: "done" })] } } });
    await fireEvent.click(await screen.findByRole("button", { name: "1 job" }));
    expect(app.view.state.page).toBe("experiments");
  });
});

describe("the page", () => {
  it("says why there is no project, and tries again", async () => {
    const app = makeApp({ answers: { "GET project": UNREACHABLE } });
    app.project.table = null;
    render(App, { app });
    await app.project.refresh();
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("cannot be reached");
    await fireEvent.click(within(alert).getByRole("button"));
    await waitFor(() => expect(server.of("GET project").length).toBe(2));
  });
  it("has keys that mean the same everywhere", async () => {
    const app = open({ address: "/behaviors?sel=cnn" });
    await fireEvent.keyDown(window, { key: "/" });
    expect(document.activeElement?.getAttribute("type")).toBe("search");
    (document.activeElement as HTMLElement).blur();
    await fireEvent.keyDown(window, { key: "?" });
    const keys = screen.getByRole<HTMLDialogElement>("dialog", { name: "Keys" });
    expect(keys.open).toBe(true);
    await fireEvent.keyDown(window, { key: "Escape" });
    expect(app.view.state.selection).toEqual(["cnn"]);
    keys.close();
    await fireEvent.keyDown(window, { key: "Escape" });
    expect(app.view.state.selection).toEqual([]);
  });
  it("leaves keys alone while somebody types", async () => {
    const app = open({ address: "/behaviors?sel=cnn" });
    const search = screen.getByRole("searchbox", { name: /Search by id/ });
    search.focus();
    await fireEvent.keyDown(search, { key: "?" });
    expect(document.querySelector("dialog")!.open).toBe(false);
    await fireEvent.keyDown(search, { key: "Escape" });
    expect(app.view.state.selection).toEqual(["cnn"]);
  });
  it("takes steps back and forth", async () => {
    const app = open();
    const [undo, redo] = [vi.spyOn(app.view, "undo"), vi.spyOn(app.view, "redo")];
    await fireEvent.keyDown(window, { key: "z", ctrlKey: true });
    await fireEvent.keyDown(window, { key: "Z", ctrlKey: true, shiftKey: true });
    expect([undo.mock.calls.length, redo.mock.calls.length]).toEqual([1, 1]);
  });
});

describe("the search", () => {
  it("fades what does not match, and says how many are left", async () => {
    const app = makeApp();
    show(Search as never, {}, app);
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "prune" } });
    expect(app.view.left).toBe(2);
    await waitFor(() => expect(screen.getByRole("status").textContent).toBe("2 of 5"));
  });
  it("selects what is found with Enter, and lets go with Escape", async () => {
    const app = makeApp({ address: "/overview?q=prune" });
    show(Search as never, {}, app);
    const input = screen.getByRole("searchbox");
    await fireEvent.keyDown(input, { key: "Enter" });
    expect(app.view.state.selection).toEqual(["p50", "p90"]);
    input.focus();
    await fireEvent.keyDown(input, { key: "Escape" });
    expect([app.view.state.filters.search, document.activeElement === input]).toEqual(["", true]);
    await fireEvent.keyDown(input, { key: "Escape" });
    expect(document.activeElement).toBe(document.body);
  });
});

describe("saved views", () => {
  const views = [{ name: "best", address: "#/overview?sel=p50" }];
  const answers = {
    "GET views": { views },
    "POST views": { views: [...views, { name: "mine", address: "#/layers" }] },
    "DELETE views": { views: [] },
  };
  const start = async (more = {}): Promise<AppState> => {
    const app = makeApp({ answers: { ...answers, ...more }, address: "/overview?sel=cnn" });
    show(Views, {}, app);
    await fireEvent.click(screen.getByRole("button", { name: "Views" }));
    return app;
  };

  it("are listed, and opened", async () => {
    const app = await start();
    await fireEvent.click(await screen.findByRole("button", { name: "best" }));
    expect(app.view.state.selection).toEqual(["p50"]);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
  it("keep what is on the screen under a name", async () => {
    await start();
    const name = await screen.findByLabelText("Name of this view");
    await fireEvent.input(name, { target: { value: " mine " } });
    await fireEvent.submit(name.closest("form")!);
    await waitFor(() => expect(server.of("POST views").length).toBe(1));
    expect(server.of("POST views")[0]!.body).toMatchObject({
      name: "mine",
      address: expect.stringContaining("sel=cnn"),
    });
    expect(await screen.findByRole("button", { name: "mine" })).toBeTruthy();
  });
  it("replace one of the same name", async () => {
    await start();
    await screen.findByRole("button", { name: "best" });
    await fireEvent.input(screen.getByLabelText("Name of this view"), { target: { value: "best" } });
    expect(screen.getByRole("button", { name: "Replace" })).toBeTruthy();
  });
  it("are deleted", async () => {
    await start();
    await fireEvent.click(await screen.findByRole("button", { name: "Delete the view best" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "best" })).toBeNull());
    expect(server.of("DELETE views")[0]!.query.get("name")).toBe("best");
  });
  it("say why they are not there", async () => {
    await start({ "GET views": new Problem("x", "No views.", "", "Ask.") });
    expect((await screen.findByRole("alert")).textContent).toBe("No views. Ask.");
  });
  it("give the link to what is on the screen", async () => {
    await start();
    await fireEvent.click(screen.getByRole("button", { name: "Copy link" }));
    expect(clipboard.writeText).toHaveBeenCalledWith(location.href);
  });
  it("close with Escape wherever the focus is, and nothing else hears of it", async () => {
    await start();
    const heard = vi.fn();
    window.addEventListener("keydown", heard);
    const button = screen.getByRole("button", { name: "Views" });
    await fireEvent.keyDown(button, { key: "Escape" });
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(document.activeElement).toBe(button);
    expect(heard).not.toHaveBeenCalled();
    await fireEvent.keyDown(button, { key: "Escape" });
    expect(heard).toHaveBeenCalledOnce();
    window.removeEventListener("keydown", heard);
  });
  it("close with Escape and when something else is clicked", async () => {
    await start();
    await fireEvent.keyDown(screen.getByRole("dialog"), { key: "Escape" });
    expect(screen.queryByRole("dialog")).toBeNull();
    await fireEvent.click(screen.getByRole("button", { name: "Views" }));
    await fireEvent.pointerDown(document.body);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("the tour", () => {
  const start = (): { app: AppState; tour: TourState } => {
    const tour = new TourState(STOPS.length, false);
    tour.start();
    const app = { ...makeApp(), tour };
    show(Tour, { tour }, app);
    return { app, tour };
  };

  it("goes from stop to stop, on the page of each, and back", async () => {
    const { app, tour } = start();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Back" }).disabled).toBe(true);
    for (const stop of STOPS.slice(1)) {
      await fireEvent.click(screen.getByRole("button", { name: "Next" }));
      expect([app.view.state.page, document.querySelector("b")!.textContent]).toEqual([stop.page, stop.title]);
    }
    await fireEvent.click(screen.getByRole("button", { name: "Back" }));
    expect(tour.stop).toBe(STOPS.length - 2);
  });
  it("is walked with the arrow keys and left with Escape", async () => {
    const { tour } = start();
    const strip = screen.getByRole("complementary", { name: "Tour" });
    await fireEvent.keyDown(strip, { key: "ArrowRight" });
    await fireEvent.keyDown(strip, { key: "ArrowRight" });
    await fireEvent.keyDown(strip, { key: "ArrowLeft" });
    expect(tour.stop).toBe(1);
    await fireEvent.keyDown(strip, { key: "Escape" });
    expect(tour.stop).toBeNull();
  });
  it("rings what it is about, for as long as it is", async () => {
    const part = document.createElement("div");
    part.setAttribute("aria-label", "Model map");
    document.body.append(part);
    const { tour } = start();
    await waitFor(() => expect(part.hasAttribute("data-ringed")).toBe(true));
    tour.go(1);
    await waitFor(() => expect(part.hasAttribute("data-ringed")).toBe(false));
    part.remove();
  });
  it("is not offered where there are no models, and is where there are", async () => {
    const tour = new TourState(STOPS.length, false);
    open({ table: testTable([]), tour });
    expect(screen.queryByRole("complementary", { name: "Tour" })).toBeNull();
  });
  it("is offered where there are models", () => {
    open({ table: TABLE, tour: new TourState(STOPS.length, false) });
    expect(screen.getByRole("complementary", { name: "Tour" })).toBeTruthy();
  });
});

describe("a problem", () => {
  it("says what, where, what to do, and its code", async () => {
    const retry = vi.fn();
    render(Problems, {
      error: new ApiError(500, { code: "x.y", title: "Broken.", detail: "There.", hint: "Mend." }),
      retry,
    });
    expect(screen.getByRole("alert").textContent).toMatch(/Broken.[^]*There.[^]*Mend.[^]*x\.y/);
    await fireEvent.click(screen.getByRole("button"));
    expect(retry).toHaveBeenCalledOnce();
  });
});
