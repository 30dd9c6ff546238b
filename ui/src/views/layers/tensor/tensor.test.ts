import { describe, expect, it } from "vitest";
import type { Channels, Tile, TileColumn } from "@/api/tensors";
import { coverOf, indexOf, levelFor, moved, readFrame, tilesFor, whole, within, writeFrame, zoomed } from "./frame";
import { channelOrder, largest } from "./order";
import { colorOf, pixels, rampBytes, type Paint } from "./paint";
import { needed, spectrumDomain } from "./spectrum";

const MATRIX = { rows: 1000, columns: 4000 };

describe("frames", () => {
  it("chooses cells of at least two pixels", () => {
    expect(levelFor(100, 800)).toBe(0);
    expect(levelFor(400, 800)).toBe(0);
    expect(levelFor(401, 800)).toBe(1);
    expect(levelFor(4000, 1000)).toBe(3);
  });

  it("covers the frame with tiles, and never with more than the canvas has room for", () => {
    const places = tilesFor(whole(MATRIX), { width: 1000, height: 500 });
    expect(places.map(({ row, column }) => [row, column])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(places[0]).toMatchObject({ row_level: 2, column_level: 3 });
    expect(coverOf(places[1]!, MATRIX)).toEqual({ row: 0, column: 2048, rows: 1000, columns: 1952 });
    const cells = tilesFor({ row: 300, column: 250, rows: 10, columns: 20 }, { width: 1000, height: 500 });
    expect(cells).toEqual([
      { row_level: 0, column_level: 0, row: 1, column: 0 },
      { row_level: 0, column_level: 0, row: 1, column: 1 },
    ]);
  });

  it("keeps the place under the pointer while zooming, and stays inside", () => {
    const near = zoomed(whole(MATRIX), 2, { row: 250, column: 1000 }, MATRIX);
    expect(near).toEqual({ row: 125, column: 500, rows: 500, columns: 2000 });
    expect(zoomed(near, 0.01, { row: 0, column: 0 }, MATRIX)).toEqual(whole(MATRIX));
    expect(moved(near, -1000, 9999, MATRIX)).toEqual({ row: 0, column: 2000, rows: 500, columns: 2000 });
    expect(within({ row: 3, column: 3, rows: 0, columns: 0 }, { rows: 1, columns: 2 })).toEqual({
      row: 0,
      column: 0,
      rows: 1,
      columns: 2,
    });
  });

  it("survives the address", () => {
    const frame = { row: 12.5, column: 0, rows: 100, columns: 33.25 };
    expect(readFrame(writeFrame(frame))).toEqual(frame);
    for (const bad of [null, "", "1~2~3", "a~b~c~d", "0~0~0~4", "-1~0~4~4"]) expect(readFrame(bad)).toBeNull();
  });

  it("says where a number is in its tensor", () => {
    expect(indexOf([8, 3, 2, 2], 5, 11)).toEqual([5, 2, 1, 1]);
    expect(indexOf([8], 5, 0)).toEqual([5]);
    expect(indexOf([], 0, 0)).toEqual([]);
  });
});

describe("colors", () => {
  const paint: Paint = {
    what: "value",
    cell: "mean",
    limit: 2,
    ramp: rampBytes(["#000000", "#808080", "#ffffff"]),
    missing: [1, 2, 3],
    mask: { both: [100, 0, 0], model: [0, 100, 0], base: [0, 0, 100], none: [200, 200, 200] },
  };
  const tile = (cells: Record<string, number[]>): Tile => ({
    rows: 1,
    columns: Object.values(cells)[0]!.length,
    cells: new Map(Object.entries(cells) as [TileColumn, number[]][]),
  });

  it("puts zero in the middle and what is beyond at the ends", () => {
    const bytes = pixels(tile({ mean: [-9, 0, 2, NaN] }), paint);
    const reds = [0, 1, 2, 3].map((k) => bytes[4 * k]!);
    expect([reds[0], reds[2], reds[3]]).toEqual([0, 255, 1]);
    expect(reds[1]).toBeGreaterThan(110);
    expect(reds[1]).toBeLessThan(150);
  });

  it("mixes the kinds of zeros by their shares", () => {
    const cells = { zero_both: [1, 0, 0.5], zero_model_only: [0, 0, 0.25], zero_base_only: [0, 0, 0] };
    const bytes = pixels(tile(cells), { ...paint, what: "mask" });
    expect([...bytes.slice(0, 4)]).toEqual([100, 0, 0, 255]);
    expect([...bytes.slice(4, 8)]).toEqual([200, 200, 200, 255]);
    expect([...bytes.slice(8, 12)]).toEqual([100, 75, 50, 255]);
  });

  it("reads colors as the tokens write them", () => expect(colorOf(" #ff8000")).toEqual([255, 128, 0]));
});

describe("spectra and channels", () => {
  it("counts the values that hold most of the energy", () => {
    expect(needed([90, 9, 1])).toBe(2);
    expect(needed([1, 0, 0])).toBe(1);
    expect(needed([0, 0])).toBe(1);
    expect(needed([1, 1, 1, 1])).toBe(4);
  });

  it("leaves values of nothing out of the axis", () => {
    const [low, high] = spectrumDomain([{ model: "a", values: [10, 1, 0], needed: 1 }]);
    expect([low, high]).toEqual([0.9, 11]);
    expect(spectrumDomain([])).toEqual([0.1, 1]);
  });

  it("orders channels by what changed most", () => {
    const channels: Channels = {
      count: 4,
      norm: [1, 5, 2, 2],
      zeros: [0, 0, 9, 0],
      change: [0, 1, 2, 3],
      relative: [0, 0.2, 1, NaN],
    };
    expect(channelOrder(channels, "change")).toEqual([3, 2, 1, 0]);
    expect(channelOrder(channels, "norm")).toEqual([1, 2, 3, 0]);
    expect(channelOrder({ ...channels, relative: null }, "change")).toEqual([0, 1, 2, 3]);
    expect(largest(channels.norm, 2, 99)).toBe(2);
  });
});
