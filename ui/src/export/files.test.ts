// @vitest-environment jsdom
import "@/testing/app";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { download, downloadCsv, downloadPicture, fileName } from "./download";
import { pictureItems, tableItem } from "./offers.svelte";
import { pictureBlob, type Picture } from "./picture";

const PICTURE: Picture = {
  width: 40,
  height: 20,
  draw: (pen) => {
    pen.fillStyle = "red";
    pen.fillRect(0, 0, 10, 10);
  },
};

/** What was offered to be kept: the name and the text of each file. */
let files: { name: string; blob: Blob }[] = [];
const textOf = (blob: Blob): Promise<string> =>
  new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.readAsText(blob);
  });

beforeEach(() => {
  files = [];
  let last: Blob;
  URL.createObjectURL = vi.fn((blob: Blob) => {
    last = blob;
    return "blob:x";
  }) as never;
  URL.revokeObjectURL = vi.fn();
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    files.push({ name: this.download, blob: last });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the name of a file", () => {
  it.each([
    ["digits map", "digits map"],
    ["a/b\\c:d", "a-b-c-d"],
    ["../../etc/passwd", "etc-passwd"],
    ["größe 数", "größe 数"],
    ["<img onerror=x>", "img onerror-x-"],
    ["...", "download"],
    ["", "download"],
  ])("of %j is %j", (name, file) => expect(fileName(name)).toBe(file));
  it("is not too long", () => expect(fileName("x".repeat(500)).length).toBe(120));
});

describe("a download", () => {
  it("hands the browser a file, and lets go of it later", () => {
    vi.useFakeTimers();
    download(new Blob(["abc"]), "a/b.txt");
    expect(files.map(({ name }) => name)).toEqual(["a-b.txt"]);
    expect(URL.revokeObjectURL).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(URL.revokeObjectURL).toHaveBeenCalledWith("blob:x");
  });
  it("of a table tells spreadsheets its encoding", async () => {
    downloadCsv("a,b\n", "models");
    expect(files[0]!.name).toBe("models.csv");
    expect(files[0]!.blob.type).toContain("utf-8");
    expect(files[0]!.blob.size).toBe(3 + 4);
  });
  it("of a picture is named by its format", async () => {
    await downloadPicture(PICTURE, "svg", "map");
    expect(files[0]!.name).toBe("map.svg");
  });
});

describe("a picture", () => {
  it("is drawn as SVG in CSS pixels", async () => {
    const text = await textOf(await pictureBlob(PICTURE, "svg"));
    expect(text).toContain('viewBox="0 0 40 20"');
    expect(text).toContain('<rect x="0" y="0" width="10" height="10" fill="red"/>');
  });
  it("has three pixels of a PNG for each, fewer where browsers take no more", async () => {
    const sizes: [number, number][] = [];
    HTMLCanvasElement.prototype.toBlob = function (this: HTMLCanvasElement, done: BlobCallback) {
      sizes.push([this.width, this.height]);
      done(new Blob(["png"], { type: "image/png" }));
    };
    await pictureBlob(PICTURE, "png");
    await pictureBlob({ ...PICTURE, width: 20_000, height: 20_000 }, "png");
    expect(sizes).toEqual([
      [120, 60],
      [10_000, 10_000],
    ]);
  });
  it("says that it is too large", async () => {
    HTMLCanvasElement.prototype.toBlob = (done: BlobCallback) => done(null);
    await expect(pictureBlob(PICTURE, "png")).rejects.toThrow("too large");
  });
});

describe("what a panel's menu saves", () => {
  it("is a picture in two formats", () => {
    const labels = pictureItems(
      () => "demo",
      () => PICTURE,
    ).map(({ label }) => label);
    expect(labels).toEqual(["Export SVG", "Export PNG"]);
  });
  it("is a table, written when it is asked for", async () => {
    const rows = vi.fn(() => [["a", 1]] as const);
    const item = tableItem({ what: "the models", header: ["id", "size"], rows }, () => "demo");
    expect([item.label, rows.mock.calls.length]).toEqual(["Export CSV: models", 0]);
    item.run!();
    expect(files[0]!.name).toBe("demo models.csv");
    expect((await textOf(files[0]!.blob)).replace("\ufeff", "").split(/\r?\n/).slice(0, 2)).toEqual(["id,size", "a,1"]);
  });
});
