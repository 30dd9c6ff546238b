/** One tensor of a model: its facts, cells at any zoom, channels and spectra. */
import { readColumns } from "./arrow";
import { answerOf, api } from "./client";
import type { Asked, Schemas } from "./types";

export { told } from "./numbers";

export type Tensor = Schemas["TensorAnswer"];
export type Occupancy = Schemas["OccupancyAnswer"];
export type Spectra = Schemas["SpectraAnswer"];
export type Spectrum = Schemas["SpectrumAnswer"];
export type TileColumn = keyof Schemas["TileCell"];
export type Shown = NonNullable<Schemas["TileAsk"]["what"]>;
/** `tensor` is module, dot, parameter. */
export type TensorQuestion = Asked<Schemas["TensorAsk"]>;
/** Where a tile is: cells stand for 2^level numbers along a side, tiles are counted from 0. */
export type Place = Required<Pick<Schemas["TileAsk"], "row_level" | "column_level" | "row" | "column">>;

/** Cells row by row, by name of what is known of them. */
export interface Tile {
  rows: number;
  columns: number;
  cells: ReadonlyMap<TileColumn, ArrayLike<number>>;
}

/** Output channels in order; null without a counterpart in the base. */
export interface Channels {
  count: number;
  norm: ArrayLike<number>;
  zeros: ArrayLike<number>;
  change: ArrayLike<number> | null;
  relative: ArrayLike<number> | null;
}

export const SIDE = 256;

export function fetchTensor(question: TensorQuestion, signal?: AbortSignal): Promise<Tensor> {
  return answerOf(api.POST("/api/v1/layers/tensor", { body: question as Schemas["TensorAsk"], signal }));
}

export async function fetchTile(
  question: TensorQuestion,
  what: Shown,
  place: Place,
  signal?: AbortSignal,
): Promise<Tile> {
  const body = { ...question, what, ...place } as Schemas["TileAsk"];
  const bytes = await answerOf(api.POST("/api/v1/layers/tensor/tile", { body, parseAs: "arrayBuffer", signal }));
  const found = readColumns<Schemas["TileCell"]>(bytes);
  const side = (name: string): number => Number(found.note(name) ?? 0);
  return { rows: side("rows"), columns: side("columns"), cells: found.all as Tile["cells"] };
}

export async function fetchChannels(question: TensorQuestion, signal?: AbortSignal): Promise<Channels> {
  const body = question as Schemas["TensorAsk"];
  const bytes = await answerOf(api.POST("/api/v1/layers/tensor/channels", { body, parseAs: "arrayBuffer", signal }));
  const found = readColumns<Schemas["ChannelRow"]>(bytes);
  const maybe = (column: ArrayLike<number | null> | undefined): ArrayLike<number> | null =>
    column && found.count > 0 && typeof column[0] === "number" ? (column as ArrayLike<number>) : null;
  return {
    count: found.count,
    norm: found.get("norm")!,
    zeros: found.get("num_zeros")!,
    change: maybe(found.get("change")),
    relative: maybe(found.get("relative_change")),
  };
}

export function fetchSpectra(question: Asked<Schemas["SpectraAsk"]>, signal?: AbortSignal): Promise<Spectra> {
  return answerOf(api.POST("/api/v1/layers/tensor/spectra", { body: question as Schemas["SpectraAsk"], signal }));
}
