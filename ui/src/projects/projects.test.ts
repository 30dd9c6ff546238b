// @vitest-environment jsdom
import { Problem, server } from "@/testing/app";
import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { ProjectEntry } from "@/api/projects";
import { ThemeState } from "@/state/theme.svelte";
import Projects from "./Projects.svelte";
import { addressOfProject, ago, listed } from "./list";

const NOW = Date.parse("2026-11-29T12:00:00Z");

function entry(name: string, fields: Partial<ProjectEntry> = {}): ProjectEntry {
  return { name, num_models: 3, num_archived: 0, changed_at: "2026-11-29T11:00:00Z", problem: null, ...fields };
}

const ALL = [
  entry("resnet 10", { num_models: 40, changed_at: "2026-11-20T00:00:00Z", num_archived: 2 }),
  entry("ResNet 9", { changed_at: "2026-11-29T11:59:30Z" }),
  entry("bert", { num_models: 1200, changed_at: "2026-11-29T09:00:00Z" }),
  entry("empty", { num_models: 0, changed_at: null }),
];

describe("the list", () => {
  it("finds every word of the search, in any case", () => {
    expect(listed(ALL, "resnet", "name").map(({ name }) => name)).toEqual(["ResNet 9", "resnet 10"]);
    expect(listed(ALL, "9 res", "name").map(({ name }) => name)).toEqual(["ResNet 9"]);
    expect(listed(ALL, "gpt", "name")).toEqual([]);
  });

  it("is sorted by change, size or name, and leaves what it was given alone", () => {
    expect(listed(ALL, "", "changed").map(({ name }) => name)).toEqual(["ResNet 9", "bert", "resnet 10", "empty"]);
    expect(listed(ALL, "", "models").map(({ name }) => name)).toEqual(["bert", "resnet 10", "ResNet 9", "empty"]);
    expect(ALL[0]!.name).toBe("resnet 10");
  });

  it("says how long ago something was", () => {
    expect(ago("2026-11-29T11:59:30Z", NOW)).toBe("just now");
    expect(ago("2026-11-29T11:58:00Z", NOW)).toBe("2 minutes ago");
    expect(ago("2026-11-29T09:00:00Z", NOW)).toBe("3 hours ago");
    expect(ago("2026-11-28T09:00:00Z", NOW)).toBe("yesterday");
    expect(ago("2024-11-28T09:00:00Z", NOW)).toBe("2 years ago");
    expect(ago("2026-11-29T12:00:10Z", NOW)).toBe("just now");
    expect(ago(null, NOW)).toBe("–");
  });

  it("leads to each project by its name as part of a path", () => {
    expect(addressOfProject("a b/c?#%")).toBe("p/a%20b%2Fc%3F%23%25/");
  });
});

function show(role: string, answers = {}): void {
  const list = { projects: ALL, user: "Ada", role, version: "1" };
  server.set({ "GET projects": list, ...answers });
  render(Projects, { props: { theme: new ThemeState(), now: () => NOW } });
}

describe("the page", () => {
  it("shows each project with its size and age, and finds one", async () => {
    show("admin");
    const link = await screen.findByRole("link", { name: "bert" });
    expect(link.getAttribute("href")).toBe("p/bert/");
    const rows = screen.getAllByRole("row").map((row) => row.textContent.replace(/\s+/g, " ").trim());
    expect(rows[2]).toContain("bert");
    expect(rows[2]).toContain("3 hours ago");
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "net" } });
    expect(screen.queryByRole("link", { name: "bert" })).toBeNull();
    expect(screen.getAllByRole("row")).toHaveLength(3);
  });

  it("makes a project for whoever may, and says why not", async () => {
    show("log", { "POST projects": new Problem("project.exists", "There is a project 'x' already.", "", "", 409) });
    const field = await screen.findByLabelText("Name of the new project");
    await fireEvent.input(field, { target: { value: " x " } });
    await fireEvent.click(screen.getByRole("button", { name: "Make" }));
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("already"));
    expect(server.of("POST projects")[0]!.body).toEqual({ name: "x" });
  });

  it("offers nothing to make to a reader", async () => {
    show("read");
    await screen.findByRole("link", { name: "bert" });
    expect(screen.queryByLabelText("Name of the new project")).toBeNull();
    expect(screen.getByText("Ada, read")).toBeTruthy();
  });

  it("names a project that cannot be opened", async () => {
    server.set({
      "GET projects": {
        projects: [entry("lost", { problem: "The project database cannot be read." })],
        user: "Ada",
        role: "read",
        version: "1",
      },
    });
    render(Projects, { props: { theme: new ThemeState(), now: () => NOW } });
    expect(await screen.findByText("The project database cannot be read.")).toBeTruthy();
    expect(screen.queryByRole("link", { name: "lost" })).toBeNull();
  });
});
