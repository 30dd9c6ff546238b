// @vitest-environment jsdom
import { clipboard, makeApp, Problem, server, show, TABLE } from "@/testing/app";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import { html } from "@/testing/snippets.svelte";
import Choice from "./Choice.svelte";
import CopyText from "./CopyText.svelte";
import Direction from "./Direction.svelte";
import Menu from "./Menu.svelte";
import MenuButton from "./MenuButton.svelte";
import MetricSelect from "./MetricSelect.svelte";
import Segments from "./Segments.svelte";
import Toolbar from "./Toolbar.svelte";
import Working from "./Working.svelte";

describe("Segments", () => {
  const options = [
    { id: "tree", label: "Tree", title: "Modules in modules" },
    { id: "flat", label: "Flat" },
    { id: "none", label: "None", disabled: true },
  ];

  it("presses the one in force and says what the group is for", () => {
    render(Segments, { label: "Rows", options, value: "flat", choose: vi.fn() });
    const group = screen.getByRole("group", { name: "Rows" });
    const pressed = within(group)
      .getAllByRole("button")
      .map((button) => [button.textContent, button.getAttribute("aria-pressed")]);
    expect(pressed).toEqual([
      ["Tree", "false"],
      ["Flat", "true"],
      ["None", "false"],
    ]);
    expect(screen.getByTitle("Modules in modules").textContent).toBe("Tree");
  });
  it("chooses with a click, but nothing that cannot be", async () => {
    const choose = vi.fn();
    render(Segments, { label: "Rows", options, value: "flat", choose });
    await fireEvent.click(screen.getByText("Tree"));
    screen.getByText("None").click();
    expect(choose.mock.calls).toEqual([["tree"]]);
  });
  it("chooses between yes and no", async () => {
    const choose = vi.fn();
    const yesNo = [
      { id: false, label: "Absolute" },
      { id: true, label: "Relative" },
    ];
    render(Segments, { label: "Values", options: yesNo, value: false, choose });
    await fireEvent.click(screen.getByText("Relative"));
    expect(choose).toHaveBeenCalledWith(true);
  });
  it("follows what is chosen elsewhere", async () => {
    const props = { label: "Rows", options, choose: vi.fn() };
    const { rerender } = render(Segments, { ...props, value: "flat" });
    await rerender({ ...props, value: "tree" });
    expect(screen.getByText("Tree").getAttribute("aria-pressed")).toBe("true");
    expect(screen.getByText("Flat").getAttribute("aria-pressed")).toBe("false");
  });
});

describe("Choice", () => {
  const options = [
    { id: "a", label: "Model A" },
    { id: "b", label: "Model B" },
  ];

  it("is found by its name, shows the value and chooses another", async () => {
    const choose = vi.fn();
    render(Choice, { name: "Base", options, value: "b", choose, title: "What others are compared with", mono: true });
    const select = screen.getByLabelText<HTMLSelectElement>("Base");
    expect([select.value, select.title, select.className]).toEqual([
      "b",
      "What others are compared with",
      expect.stringContaining("mono"),
    ]);
    await fireEvent.change(select, { target: { value: "a" } });
    expect(choose).toHaveBeenCalledWith("a");
  });
});

describe("MetricSelect", () => {
  const props = { label: "Color", metrics: TABLE.metrics };

  it("explains the chosen metric and chooses another, or none", async () => {
    const choose = vi.fn();
    render(MetricSelect, { ...props, value: "Accuracy", optional: true, choose });
    const select = screen.getByLabelText<HTMLSelectElement>("Color");
    expect(select.title).toBe("Share that is right.");
    expect([...select.options].map(({ text }) => text)).toEqual(["None", "Accuracy", "Size"]);
    await fireEvent.change(select, { target: { value: "Size" } });
    await fireEvent.change(select, { target: { value: "" } });
    expect(choose.mock.calls).toEqual([["Size"], [null]]);
  });
  it("offers none only where that may be", () => {
    render(MetricSelect, { ...props, value: "Size", choose: vi.fn() });
    const select = screen.getByLabelText<HTMLSelectElement>("Color");
    expect([select.options.length, select.title]).toEqual([2, "Color"]);
  });
});

describe("Toolbar", () => {
  it("is a toolbar with its name and its controls", () => {
    render(Toolbar, { label: "What is compared", children: html("<button>Go</button>") });
    expect(within(screen.getByRole("toolbar", { name: "What is compared" })).getByRole("button").textContent).toBe(
      "Go",
    );
  });
});

describe("CopyText", () => {
  it("copies and says so", async () => {
    render(CopyText, { text: "abc", what: "the hash" });
    await fireEvent.click(screen.getByRole("button", { name: "Copy the hash" }));
    expect(clipboard.writeText).toHaveBeenCalledWith("abc");
    await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Copied"));
  });
});

describe("Working", () => {
  it("says what is done, how far it is, and can be ended", async () => {
    const cancel = vi.fn();
    render(Working, { progress: { what: "Reading tensors", done: 3, total: 12 }, cancel } as never);
    expect(screen.getByRole("status").textContent).toBe("Reading tensors…");
    expect(screen.getByRole<HTMLProgressElement>("progressbar").value).toBe(0.25);
    await fireEvent.click(screen.getByRole("button"));
    expect(cancel).toHaveBeenCalledOnce();
  });
  it("does not say how far where nobody knows", () => {
    render(Working, { progress: { what: "", done: 0, total: 0 }, cancel: vi.fn() } as never);
    expect(screen.getByRole("progressbar").hasAttribute("value")).toBe(false);
    expect(screen.getByRole("status").textContent).not.toBe("…");
  });
});

describe("Menu", () => {
  const items = () => {
    const run = { select: vi.fn(), copy: vi.fn() };
    const groups = [
      [
        { label: "Select", run: run.select },
        { label: "Hidden", run: vi.fn(), unless: true },
      ],
      [{ label: "Nothing", run: vi.fn(), unless: true }],
      [
        { label: "Copy", run: run.copy },
        { label: "Download", href: "api/v1/file" },
      ],
    ];
    return { run, groups };
  };
  const open = () => {
    const { run, groups } = items();
    const close = vi.fn();
    render(Menu, { title: "cnn", groups, x: 10, y: 20, close });
    return { run, close };
  };
  const names = (): (string | null)[] => screen.getAllByRole("menuitem").map((item) => item.textContent);

  it("lists what can be done, with lines between the groups that have something", () => {
    open();
    expect(names()).toEqual(["Select", "Copy", "Download"]);
    expect(document.querySelectorAll("hr").length).toBe(1);
    expect(document.activeElement?.textContent).toBe("Select");
  });
  it("does it and closes", async () => {
    const { run, close } = open();
    await fireEvent.click(screen.getByText("Copy"));
    expect([run.copy.mock.calls.length, run.select.mock.calls.length, close.mock.calls.length]).toEqual([1, 0, 1]);
  });
  it("offers a file as a link", async () => {
    const { close } = open();
    const link = screen.getByText<HTMLAnchorElement>("Download");
    expect([link.getAttribute("href"), link.hasAttribute("download")]).toEqual(["api/v1/file", true]);
    link.addEventListener("click", (event) => event.preventDefault());
    await fireEvent.click(link);
    expect(close).toHaveBeenCalledOnce();
  });
  it("is walked with the keys, around its ends", async () => {
    open();
    const menu = screen.getByRole("menu");
    const walk: [string, string][] = [
      ["ArrowDown", "Copy"],
      ["ArrowDown", "Download"],
      ["ArrowDown", "Select"],
      ["ArrowUp", "Download"],
      ["Home", "Select"],
      ["End", "Download"],
    ];
    for (const [key, name] of walk) {
      await fireEvent.keyDown(menu, { key });
      expect(document.activeElement?.textContent).toBe(name);
    }
  });
  it.each(["Escape", "Tab"])("closes with %s", async (key) => {
    const { close } = open();
    await fireEvent.keyDown(screen.getByRole("menu"), { key });
    expect(close).toHaveBeenCalledOnce();
  });
  it("closes when something else is clicked, and not when it is", async () => {
    const { close } = open();
    await fireEvent.pointerDown(screen.getByText("Copy"));
    expect(close).not.toHaveBeenCalled();
    await fireEvent.pointerDown(document.body);
    expect(close).toHaveBeenCalledOnce();
  });
  it("ends at the place that it is told, where there is room", () => {
    const { groups } = items();
    // the menu is 800 wide here, the window 1024
    render(Menu, { title: "cnn", groups, x: 900, y: 20, end: true, close: vi.fn() });
    expect(screen.getByRole("menu").style.left).toBe("100px");
  });
});

describe("MenuButton", () => {
  const groups = [[{ label: "Save as CSV", run: vi.fn() }]];

  it("opens and closes its menu, and has its title as name where it shows dots", async () => {
    render(MenuButton, { title: "Export the map", groups });
    const button = screen.getByRole("button", { name: "Export the map" });
    expect([button.getAttribute("aria-expanded"), screen.queryByRole("menu")]).toEqual(["false", null]);
    await fireEvent.click(button);
    expect(button.getAttribute("aria-expanded")).toBe("true");
    await fireEvent.click(screen.getByText("Save as CSV"));
    expect([groups[0]![0]!.run.mock.calls.length, screen.queryByRole("menu")]).toEqual([1, null]);
  });
  it("has the focus again when the menu closes", async () => {
    render(MenuButton, { title: "Export the map", groups });
    const button = screen.getByRole("button");
    button.focus();
    await fireEvent.click(button);
    expect(document.activeElement?.textContent).toBe("Save as CSV");
    await fireEvent.keyDown(screen.getByRole("menu"), { key: "Escape" });
    expect(document.activeElement).toBe(button);
  });
  it("shows a word", () => {
    render(MenuButton, { title: "Save a table as a file", label: "Export", groups });
    expect(screen.getByRole("button", { name: "Export" }).textContent?.trim()).toBe("Export");
  });
});

describe("Direction", () => {
  const metric = TABLE.metrics[1]!;

  it("tells the server which direction is better and reads the project again", async () => {
    const refused = new Problem("server.gone", "It is gone.");
    const app = makeApp({ answers: { "PATCH metric": metric, "GET project": refused } });
    show(Direction, { metric }, app);
    const [lower, higher] = screen.getAllByRole("button");
    expect(higher).toBeTruthy();
    await fireEvent.click(lower!);
    await waitFor(() => expect(server.of("GET project").length).toBe(1));
    const [asked] = server.of("PATCH metric");
    expect([asked!.query.get("name"), asked!.body]).toEqual(["Size", { higher_is_better: false }]);
  });
  it("says why not", async () => {
    const app = makeApp({ answers: { "PATCH metric": new Problem("project.read_only", "Read only.", "", "Ask.") } });
    show(Direction, { metric }, app);
    await fireEvent.click(screen.getAllByRole("button")[0]!);
    expect((await screen.findByRole("alert")).textContent).toBe("Read only. Ask.");
  });
});
