// @vitest-environment jsdom
import { ACCURACY, BYTES, makeApp, NEVER, Problem, server, show, TABLE, UNREACHABLE } from "@/testing/app";
import { float32, int32, list, tableFromArrays, tableToIPC, utf8 } from "@uwdata/flechette";
import { screen, waitFor } from "@testing-library/svelte";
import { flushSync } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchEffects } from "@/api/models";
import { fetchProject } from "@/api/project";
import Followed from "@/testing/Followed.svelte";
import { job } from "@/testing/jobs";
import { metric, testTable } from "./testing";
import { ThemeState } from "./theme.svelte";

/** The server's streams of three models and of their standard errors. */
function streams(revision: number): { models: () => Response; errors: Uint8Array } {
  const ids = ["a", "b", "c"];
  const models = tableFromArrays(
    {
      id: ids,
      base: [null, "a", "a"],
      operation: ["train", "prune", "prune"],
      parameters: ["{}", '{"amount": 0.5}', '{"amount": 0.9}'],
      step: [0, 1, 1],
      tags: [[], [], []],
      references: ["[]", "[]", "[]"],
      replicate: [null, "seed 1", "seed 2"],
      Accuracy: [0.9, 0.8, null],
    },
    {
      types: {
        id: utf8(),
        base: utf8(),
        operation: utf8(),
        parameters: utf8(),
        step: int32(),
        tags: list(utf8()),
        references: utf8(),
        replicate: utf8(),
        Accuracy: float32(),
      },
    },
  );
  const errors = tableFromArrays(
    { id: ids, Accuracy: [0.01, null, null] },
    { types: { id: utf8(), Accuracy: float32() } },
  );
  const bytes = tableToIPC(models, { format: "stream" })!;
  return {
    models: () => new Response(bytes as BodyInit, { headers: { "X-Revision": String(revision) } }),
    errors: tableToIPC(errors, { format: "stream" })!,
  };
}

describe("the project", () => {
  const info = { name: "demo", revision: 1, metrics: [ACCURACY], datasets: [], operations: [], num_models: 3 };
  const answers = (revision = 1) => {
    const { models, errors } = streams(revision);
    return { "GET project": { ...info, revision }, "GET models": models, "GET standard-errors": errors };
  };

  it("is read with its models, and then with what is known of their errors", async () => {
    const { project } = makeApp({ answers: answers() });
    await project.refresh();
    expect(project.table!.ids).toEqual(["a", "b", "c"]);
    expect([...project.table!.values.get("Accuracy")!].map((value) => Math.round(value * 10) / 10)).toEqual([
      0.9,
      0.8,
      NaN,
    ]);
    expect(project.errorOf(0, "Accuracy")).toBeCloseTo(0.01, 6);
    expect([project.errorOf(1, "Accuracy"), project.errorOf(0, "Size")]).toEqual([null, null]);
  });
  it("stays as it was when it cannot be read", async () => {
    const { project } = makeApp({ answers: { "GET project": UNREACHABLE } });
    await project.refresh();
    expect([project.error?.code, project.table, project.loading]).toEqual(["network", TABLE, false]);
  });
  it("is right without errors", async () => {
    const { project } = makeApp({ answers: { ...answers(), "GET standard-errors": new Problem("x", "none") } });
    await project.refresh();
    expect([project.error, project.standardErrors]).toEqual([null, null]);
  });
  it("is read by one request at a time, and once more if that was asked for meanwhile", async () => {
    const { project } = makeApp({ answers: answers() });
    await Promise.all([project.refresh(), project.refresh(), project.refresh()]);
    expect(server.of("GET project").length).toBe(2);
  });
  it("is read again when something was written between its two answers", async () => {
    let revision = 0;
    const answer = () => new Response(JSON.stringify({ ...info, revision: (revision += 1) }));
    const { project } = makeApp({ answers: { ...answers(2), "GET project": answer } });
    await project.refresh();
    expect([project.info!.revision, project.table!.revision]).toEqual([2, 2]);
    expect(server.of("GET models").length).toBe(2);
  });

  describe("that is followed", () => {
    class Source extends EventTarget {
      static readonly CLOSED = 2;
      static last: Source;
      readyState = 1;

      constructor(readonly url: string) {
        super();
        Source.last = this;
      }

      close(): void {
        this.readyState = 2;
      }

      say(type: string, data?: unknown): void {
        this.dispatchEvent(
          data === undefined ? new Event(type) : new MessageEvent(type, { data: JSON.stringify(data) }),
        );
      }
    }
    beforeEach(() => vi.stubGlobal("EventSource", Source));
    afterEach(() => vi.useRealTimers());

    it("is read again when the server tells of a newer revision", async () => {
      const { project } = makeApp({ answers: answers(1) });
      const stop = project.follow();
      await waitFor(() => expect(project.standardErrors).not.toBeNull());
      Source.last.say("open");
      expect(project.connection).toBe("live");
      Object.assign(server.answers, answers(2));
      Source.last.say("revision", { revision: 2 });
      await waitFor(() => expect(project.table!.revision).toBe(2));
      Source.last.say("revision", { revision: 2 });
      expect(server.of("GET models").length).toBe(2);
      stop();
      expect(Source.last.readyState).toBe(Source.CLOSED);
    });
    it("knows when jobs changed", async () => {
      const app = makeApp({ answers: answers(1) });
      const stop = app.project.follow();
      await waitFor(() => expect(server.of("GET jobs").length).toBe(1));
      Source.last.say("jobs", { revision: 7 });
      flushSync();
      await waitFor(() => expect(server.of("GET jobs").length).toBe(2));
      expect(app.project.jobsRevision).toBe(7);
      stop();
    });
    it("reads what happened while the connection was lost, and tries to get it back", async () => {
      const { project } = makeApp({ answers: answers(1) });
      const stop = project.follow();
      await waitFor(() => expect(project.standardErrors).not.toBeNull());
      vi.useFakeTimers();
      const lost = Source.last;
      lost.readyState = Source.CLOSED;
      lost.say("error");
      expect(project.connection).toBe("lost");
      vi.advanceTimersByTime(3000);
      expect(Source.last).not.toBe(lost);
      Source.last.say("open");
      vi.useRealTimers();
      await waitFor(() => expect(server.of("GET models").length).toBe(2));
      stop();
    });
  });
});

describe("the view", () => {
  it("begins as the address says", () => {
    const { view } = makeApp({ address: "/layers?sel=p50&sel=gone&q=x&logx=1" });
    expect([view.state.page, [...view.selection], view.state.filters.search, view.logX]).toEqual([
      "layers",
      [1],
      "x",
      true,
    ]);
  });
  it("has a log axis from a decade on, unless somebody chose", () => {
    const { view } = makeApp();
    const sizes = view.encodings!.sizeScale!.whole;
    expect(view.logX).toBe(sizes[1] >= 10 * sizes[0]);
    expect(view.logY).toBe(false);
    view.update({ logX: true });
    expect(view.logX).toBe(true);
    view.update({ logX: false });
    expect(view.logX).toBe(false);
  });
  it("chooses metrics that make sense: the quality, and what it costs", () => {
    const { view } = makeApp();
    expect([view.colorMetric, view.sizeMetric, view.x, view.y]).toEqual(["Accuracy", "Size", "Size", "Accuracy"]);
    view.update({ color: "" });
    expect(view.colorMetric).toBeNull();
    view.update({ color: "Unknown" });
    expect(view.colorMetric).toBe("Accuracy");
    view.update({ color: "Size" });
    expect(view.colorMetric).toBe("Size");
  });
  it.each([
    [[metric("a"), metric("b", { higher_is_better: true })], "b", "a"],
    [[metric("a", { higher_is_better: true }), metric("b"), metric("c", { higher_is_better: false })], "a", "c"],
    [[metric("a", { higher_is_better: true }), metric("b"), metric("c", { min: 0 })], "a", "c"],
    [[metric("a"), metric("b", { unit: "B" })], "a", "b"],
    [[metric("a", { primary: true }), metric("b", { unit: "B" })], "a", null],
  ])("finds them among others", (metrics, quality, cost) => {
    const table = testTable([{ id: "m", values: metrics.map(() => 1) }], metrics);
    const { view } = makeApp({ table });
    expect([view.y, view.x]).toEqual([quality, cost]);
  });
  it("selects in four ways", () => {
    const { view } = makeApp();
    view.select([1, 2]);
    view.select([3], "add");
    expect([...view.selection]).toEqual([1, 2, 3]);
    view.select([2, 4], "toggle");
    expect([...view.selection]).toEqual([1, 3, 4]);
    view.select([1], "remove");
    expect(view.state.selection).toEqual(["p90", "new"]);
    view.select([3, 4]);
    expect([view.selected.has(3), view.selected.has(1)]).toEqual([true, false]);
  });
  it("makes a step for the back button of each change, and none of one that changes nothing", () => {
    const { view } = makeApp();
    const before = history.length;
    view.select([1]);
    view.select([1]);
    expect(history.length).toBe(before + 1);
    expect(location.hash).toContain("sel=p50");
    expect((history.state as { steps: number }).steps).toBe(1);
  });
  it("writes what is dragged into the address when it rests", () => {
    vi.useFakeTimers();
    const { view } = makeApp();
    view.update({ within: [0, 1, 0, 1] }, "replace");
    view.update({ within: [0, 2, 0, 1] }, "replace");
    expect(location.hash).not.toContain("2");
    vi.advanceTimersByTime(150);
    expect(decodeURIComponent(location.hash)).toContain("0~2~0~1");
    vi.useRealTimers();
  });
  it("keeps pictures as they are while a filter is dragged", () => {
    vi.useFakeTimers();
    const { view } = makeApp();
    view.filter({ operations: ["prune"] }, "replace");
    expect([view.left, view.isFiltering]).toEqual([2, true]);
    expect([...view.visible]).toEqual([1, 1, 1, 1, 1]);
    vi.advanceTimersByTime(150);
    expect(view.isFiltering).toBe(false);
    expect([...view.visible]).toEqual([0, 1, 0, 1, 0]);
    vi.useRealTimers();
  });
  it("follows the back button", () => {
    const { view } = makeApp();
    view.select([1]);
    history.replaceState({ steps: 0 }, "", "#/layers?sel=p90");
    window.dispatchEvent(new PopStateEvent("popstate"));
    expect([view.state.page, view.state.selection]).toEqual(["layers", ["p90"]]);
  });
  it("takes no step back that another page made", () => {
    const { view } = makeApp();
    const back = vi.spyOn(history, "back").mockImplementation(() => undefined);
    view.undo();
    expect(back).not.toHaveBeenCalled();
    view.select([1]);
    view.undo();
    expect(back).toHaveBeenCalledOnce();
    back.mockRestore();
  });
  it("keeps a page's own names for when one comes back, and takes along the base alone", () => {
    const { view } = makeApp({ address: "/layers?mode=storage&base=cnn" });
    view.update({ page: "behaviors" });
    expect(view.state.own).toEqual({ base: ["cnn"] });
    view.update({ page: "layers" });
    expect(view.state.own).toEqual({ mode: ["storage"], base: ["cnn"] });
  });
  it("hovers by id, so that a new table moves nothing", () => {
    const { view, project } = makeApp();
    view.hover(1);
    project.table = testTable([{ id: "first" }, { id: "x" }, { id: "p50" }], [ACCURACY, BYTES]);
    expect(view.hovered).toBe(2);
    project.table = testTable([{ id: "first" }], []);
    expect(view.hovered).toBeNull();
  });
});

describe("the jobs", () => {
  it("are unfinished while they wait or run, their parts left out", async () => {
    const list = [
      job({ id: "a", state: "queued" }),
      job({ id: "b" }),
      job({ id: "c", parent: "b" }),
      job({ id: "d", state: "done" }),
    ];
    const { jobs } = makeApp({ answers: { "GET jobs": { jobs: list } } });
    await jobs.refresh();
    await waitFor(() => expect(jobs.unfinished.map(({ id }) => id)).toEqual(["a", "b"]));
  });
  it("stay as they were when the server is gone", async () => {
    const { jobs } = makeApp({ answers: { "GET jobs": { jobs: [job()] } } });
    await jobs.refresh();
    server.answers["GET jobs"] = UNREACHABLE;
    await jobs.refresh();
    expect([jobs.all!.length, jobs.error?.code]).toEqual([1, "network"]);
  });
});

describe("an answer that follows what it is about", () => {
  const open = (name: string) => {
    const app = makeApp({ answers: { "GET effects": { effects: [] }, "GET watches/w": null } });
    const ask = (wanted: string) => (signal: AbortSignal) => fetchEffects(wanted, 1, signal).then(() => wanted);
    const shown = show(Followed, { name, ask }, app);
    const again = (props: { name: string }): Promise<void> =>
      shown.rerender({ props: { app, component: Followed, props: { ...props, ask } } } as never);
    return { again };
  };
  const text = (): string => screen.getByRole("note").textContent!.replace(/\s+/g, " ").trim();

  it("waits, and then is there", async () => {
    open("a");
    expect(text()).toBe("value none, error none, loading");
    await waitFor(() => expect(text()).toBe("value a, error none, still"));
  });
  it("stays until the next is there", async () => {
    const { again } = open("a");
    await waitFor(() => expect(text()).toBe("value a, error none, still"));
    server.answers["GET effects"] = NEVER;
    await again({ name: "b" });
    expect(text()).toBe("value a, error none, loading");
  });
  it("is let go when it is overtaken", async () => {
    const { again } = open("a");
    server.answers["GET effects"] = NEVER;
    await again({ name: "b" });
    server.answers["GET effects"] = { effects: [] };
    await again({ name: "c" });
    await waitFor(() => expect(text()).toBe("value c, error none, still"));
    expect(server.of("GET effects").map(({ query }) => query.get("metric"))).toEqual(["a", "b", "c"]);
  });
  it("says why there is none, beside the one before", async () => {
    const { again } = open("a");
    await waitFor(() => expect(text()).toBe("value a, error none, still"));
    server.answers["GET effects"] = new Problem("x", "No.");
    await again({ name: "b" });
    await waitFor(() => expect(text()).toBe("value a, error No., still"));
  });
});

describe("the theme", () => {
  it("is the system's until one is chosen, and then that one, also the next time", () => {
    const theme = new ThemeState();
    expect([theme.choice, theme.current]).toEqual(["system", "light"]);
    theme.choose("dark");
    expect([theme.current, document.documentElement.dataset.theme]).toEqual(["dark", "dark"]);
    expect(new ThemeState().choice).toBe("dark");
    theme.choose("system");
    expect(new ThemeState().choice).toBe("system");
  });
});

describe("a request", () => {
  it("throws the server's problem", async () => {
    server.set({ "GET project": new Problem("a.b", "No.", "Because.", "Try.", 409) });
    await expect(fetchProject()).rejects.toMatchObject({
      status: 409,
      code: "a.b",
      message: "No.",
      detail: "Because.",
      hint: "Try.",
    });
  });
  it("throws what is no problem of the server's as one", async () => {
    server.set({ "GET project": new Response("<html>", { status: 502 }) });
    await expect(fetchProject()).rejects.toMatchObject({ status: 502, code: "http.502" });
  });
  it("says that the server is not there", async () => {
    server.set({ "GET project": UNREACHABLE });
    await expect(fetchProject()).rejects.toMatchObject({ code: "network" });
  });
  it("can be let go", async () => {
    server.set({ "GET project": NEVER });
    const controller = new AbortController();
    const asked = fetchProject(controller.signal);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  });
});
