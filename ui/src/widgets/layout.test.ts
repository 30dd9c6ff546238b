// @vitest-environment jsdom
import { clipboard, makeApp, show, TABLE } from "@/testing/app";
import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { tick } from "svelte";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/problem";
import { html, textOf } from "@/testing/snippets.svelte";
import Beside from "./Beside.svelte";
import Blank from "./Blank.svelte";
import DataTable from "./DataTable.svelte";
import ErrorNote from "./ErrorNote.svelte";
import FactTable from "./FactTable.svelte";
import ModelTooltip from "./ModelTooltip.svelte";
import Split from "./Split.svelte";
import { VirtualList } from "./virtual.svelte";
import VirtualRows from "./VirtualRows.svelte";

/** Scroll an element, which jsdom lays out nothing of, and say so. */
async function scroll(element: HTMLElement, top: number, left = 0): Promise<void> {
  element.scrollTop = top;
  element.scrollLeft = left;
  await fireEvent.scroll(element);
}

describe("Blank", () => {
  it("says what to do, with code to copy", async () => {
    render(Blank, {
      title: "No models yet",
      code: [{ text: "cc.open()" }],
      children: html("<p>They appear here.</p>"),
    });
    expect(screen.getByRole("heading").textContent).toBe("No models yet");
    expect(screen.getByText("They appear here.")).toBeTruthy();
    await fireEvent.click(screen.getByRole("button", { name: "Copy the code" }));
    expect(clipboard.writeText).toHaveBeenCalledWith("cc.open()");
  });
  it("names codes, and copies each", async () => {
    const code = [
      { what: "From Python", text: "one" },
      { what: "From a file", text: "two" },
    ];
    render(Blank, { code, children: html("<p></p>") });
    expect(screen.getAllByRole("heading").map(({ textContent }) => textContent)).toEqual([
      "From Python",
      "From a file",
    ]);
    await fireEvent.click(screen.getByRole("button", { name: "Copy the code: From a file" }));
    expect(clipboard.writeText).toHaveBeenCalledWith("two");
  });
});

describe("ErrorNote", () => {
  const error = new ApiError(422, { code: "x", title: "It failed.", detail: "Here.", hint: "Try that." });

  it("says what, where and what to do", () => {
    render(ErrorNote, { error });
    expect(screen.getByRole("alert").textContent?.replace(/\s+/g, " ").trim()).toBe("It failed. Here. Try that.");
  });
  it("offers something else to do in place of the hint", () => {
    render(ErrorNote, { error, children: html("<button>Again</button>") });
    const alert = screen.getByRole("alert");
    expect(alert.contains(screen.getByRole("button"))).toBe(true);
    expect(alert.textContent).not.toContain("Try that.");
  });
});

describe("Beside", () => {
  it("draws what is shown, and then what is known of it", () => {
    render(Beside, { children: html("<p>main</p>"), aside: html("<aside>more</aside>") });
    expect(document.body.textContent?.replace(/\s+/g, " ").trim()).toBe("main more");
    expect(screen.getByRole("complementary").parentElement).toBe(screen.getByText("main").parentElement!.parentElement);
  });
});

describe("FactTable", () => {
  it("is a table of the rows", () => {
    // rows cannot be made without a table: as text they would be dropped
    render(FactTable, { children: html("<caption>size</caption>") });
    expect(screen.getByRole("table").textContent?.trim()).toBe("size");
  });
});

describe("DataTable", () => {
  it("is a region that can be reached and scrolled, with its name", () => {
    render(DataTable, { label: "Table of classes", loading: true, children: html("<tbody></tbody>") as never });
    const region = screen.getByRole("region", { name: "Table of classes" });
    expect([region.tabIndex, region.classList.contains("loading")]).toEqual([0, true]);
    expect(region.contains(screen.getByRole("table"))).toBe(true);
  });
  it("draws all rows of a table that is not windowed", () => {
    render(DataTable, { label: "t", children: textOf<number>("caption", (from) => `from ${from}`) as never });
    expect(screen.getByText("from 0")).toBeTruthy();
  });
  it("draws of a long one what is in view and a few around", async () => {
    const children = textOf<number>("caption", (from) => `from ${from}`);
    render(DataTable, {
      label: "t",
      windowed: { count: 1000, row: 20, view: 400 },
      children: children as never,
    });
    expect(screen.getByText("from 0")).toBeTruthy();
    await scroll(screen.getByRole("region"), 4000);
    // the row at 4000 is number 200, and eight above it are drawn too
    await waitFor(() => expect(screen.getByRole("table").textContent).toContain("from 192"));
  });
});

describe("VirtualRows", () => {
  const body = textOf<number>("div", (index) => `row ${index}`, 'role="row"');
  const rows = (): string[] => screen.getAllByRole("row").map((row) => row.textContent ?? "");

  async function open(total: number, more: Record<string, unknown> = {}): Promise<VirtualList> {
    const list = new VirtualList(40, () => total);
    render(VirtualRows, {
      list,
      least: "600px",
      role: "grid",
      "aria-label": "Examples",
      head: html("<div>head</div>"),
      body,
      ...more,
    } as never);
    await tick();
    await waitFor(() => expect(list.headHeight).toBe(30));
    return list;
  }

  it("draws only the rows in view", async () => {
    const list = await open(10_000);
    // 400 high with a head of 30: nine rows and a part of one, and one more
    expect(list.view).toBe(370);
    expect(rows()).toEqual(Array.from({ length: 11 }, (_, k) => `row ${k}`));
    expect([list.shows(10), list.shows(11)]).toEqual([true, false]);
  });
  it("follows the scroll bar", async () => {
    const list = await open(10_000);
    await scroll(screen.getByRole("grid"), 4010, 25);
    expect(rows()[0]).toBe("row 100");
    expect([list.top, list.left, list.window.first]).toEqual([4010, 25, 100]);
    await scroll(screen.getByRole("grid"), 10_000 * 40 - 370);
    expect(rows().at(-1)).toBe("row 9999");
  });
  it("draws all of a short list, and what is below it", async () => {
    await open(3, { below: html("<p>no more</p>") });
    expect(rows()).toEqual(["row 0", "row 1", "row 2"]);
    expect(screen.getByText("no more")).toBeTruthy();
  });
  it("draws nothing of an empty list", async () => {
    await open(0);
    expect(screen.queryAllByRole("row")).toEqual([]);
  });
  it("shows a row, and goes back to the first", async () => {
    const list = await open(10_000);
    const grid = screen.getByRole("grid");
    list.reveal(500);
    // its end at the end of the view
    expect(grid.scrollTop).toBe(501 * 40 - 370);
    await scroll(grid, grid.scrollTop);
    expect(list.shows(500)).toBe(true);
    list.reveal(499);
    expect(grid.scrollTop).toBe(501 * 40 - 370);
    list.rewind();
    expect(grid.scrollTop).toBe(0);
  });
  it("takes the elements of a row that left for one that came, where it may", async () => {
    await open(10_000, { recycle: true });
    const before = screen.getAllByRole("row");
    await scroll(screen.getByRole("grid"), 40);
    const after = screen.getAllByRole("row");
    expect(rows()).toEqual(Array.from({ length: 11 }, (_, k) => `row ${k + 1}`));
    expect(new Set(after)).toEqual(new Set(before));
  });
  it("tells of keys and scrolling", async () => {
    const [onkeydown, onscroll] = [vi.fn(), vi.fn()];
    await open(10, { onkeydown, onscroll });
    const grid = screen.getByRole("grid");
    await fireEvent.keyDown(grid, { key: "End" });
    await scroll(grid, 1);
    expect([onkeydown.mock.calls.length, onscroll.mock.calls.length]).toEqual([1, 1]);
  });
});

describe("Split", () => {
  const open = (direction: "row" | "column" = "row") => {
    const panels = { first: html("<p>left</p>"), second: html("<p>right</p>") };
    render(Split, { name: "test", direction, initial: 0.5, least: 80, ...panels });
    const divider = screen.getByRole("separator");
    return { divider, share: () => Number(divider.getAttribute("aria-valuenow")) };
  };

  it("moves with the arrow keys, no further than leaves each panel room, and remembers", async () => {
    const { divider, share } = open();
    await fireEvent.keyDown(divider, { key: "ArrowRight" });
    expect(share()).toBe(52);
    for (let k = 0; k < 40; k++) await fireEvent.keyDown(divider, { key: "ArrowRight" });
    // 80 of 800 pixels are left
    expect(share()).toBe(90);
    await fireEvent.keyDown(divider, { key: "Enter" });
    expect(share()).toBe(90);
    expect(Number(localStorage.getItem("compress-compare.share.test"))).toBeCloseTo(0.9, 9);
  });
  it("begins as it was left", () => {
    localStorage.setItem("compress-compare.share.test", "0.3");
    expect(open().share()).toBe(30);
  });
  it("goes back with a double click", async () => {
    localStorage.setItem("compress-compare.share.test", "0.3");
    const { divider, share } = open();
    await fireEvent.dblClick(divider);
    expect(share()).toBe(50);
  });
  it("follows the pointer while it is pressed", async () => {
    const { divider, share } = open("column");
    divider.parentElement!.getBoundingClientRect = () => ({ left: 0, top: 100, width: 800, height: 400 }) as DOMRect;
    await fireEvent.pointerMove(divider, { clientY: 200, buttons: 0 });
    expect(share()).toBe(50);
    divider.dispatchEvent(new MouseEvent("pointermove", { clientY: 220, buttons: 1, bubbles: true }));
    await waitFor(() => expect(share()).toBe(30));
    expect(divider.getAttribute("aria-orientation")).toBe("horizontal");
  });
});

describe("ModelTooltip", () => {
  it("says what a model is and how its metrics changed against its base", () => {
    show(ModelTooltip, { model: 1, x: 10, y: 10 }, makeApp());
    const rows = screen.getAllByRole("row").map((row) => row.textContent?.replace(/\s+/g, " ").trim());
    expect(rows[0]).toMatch(/^Accuracy ?90\.0% ?−8\.0 pp$/);
    expect(rows[1]).toContain("−50");
    expect(screen.getByRole("tooltip").textContent).toContain("Change against its parent cnn");
    expect(document.querySelector("td.bad")?.textContent).toContain("pp");
  });
  it("says of a root no change, and of what was not measured that it is missing", () => {
    const app = makeApp();
    show(ModelTooltip, { model: 0, x: 10, y: 10 }, app);
    expect(screen.getByRole("tooltip").textContent).not.toContain("Change against");
  });
  it("says what is missing", () => {
    show(ModelTooltip, { model: 4, x: 10, y: 10 }, makeApp());
    expect(screen.getAllByRole("row")[0]!.textContent).toContain("missing");
  });
  it("names others at the same place, at most four", () => {
    show(ModelTooltip, { model: 0, x: 0, y: 0, others: [1, 2, 3, 4, 0] }, makeApp());
    const text = screen.getByRole("tooltip").textContent!;
    for (const id of TABLE.ids.slice(1)) expect(text).toContain(id);
    expect(text).toContain("and 1 more");
  });
});
