/** One tensor of a model: its facts, cells at any zoom, channels and spectra. */
import { tableFromIPC } from "@uwdata/flechette";
import { request, requestJson } from "./client";
import type { components } from "./schema.gen";

export type Shown = "value" | "change" | "mask";
export type Tensor = components["schemas"]["TensorAnswer"];
export type Occupancy = components["schemas"]["OccupancyAnswer"];
export type Spectra = components["schemas"]["SpectraAnswer"];
export type Spectrum = components["schemas"]["SpectrumAnswer"];

export interface TensorQuestion {
  base: string;
  model: string;
  /** Module, dot, parameter. */
  tensor: string;
  /** As of layers. */
  alignment?: Readonly<Record<string, string>>;
}

/** Where a tile is: cells stand for 2^level numbers along a side, tiles are counted from 0. */
export interface Place {
  row_level: number;
  column_level: number;
  row: number;
  column: number;
}

/** Cells row by row, by name of what is known of them. */
export interface Tile {
  rows: number;
  columns: number;
  cells: ReadonlyMap<string, ArrayLike<number>>;
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

export async function fetchTensor(question: TensorQuestion, signal?: AbortSignal): Promise<Tensor> {
  return requestJson<Tensor>("layers/tensor", { method: "POST", body: question, signal });
}

export async function fetchTile(
  question: TensorQuestion,
  what: Shown,
  place: Place,
  signal?: AbortSignal,
): Promise<Tile> {
  const body = { ...question, what, ...place };
  const { arrow, cells } = await columnsOf("layers/tensor/tile", body, signal);
  const side = (name: string): number => Number(arrow.schema.metadata?.get(name) ?? 0);
  return { rows: side("rows"), columns: side("columns"), cells };
}

export async function fetchChannels(question: TensorQuestion, signal?: AbortSignal): Promise<Channels> {
  const { arrow, cells } = await columnsOf("layers/tensor/channels", question, signal);
  const maybe = (name: string): ArrayLike<number> | null => {
    const column = cells.get(name)!;
    return arrow.numRows > 0 && typeof column[0] === "number" ? column : null;
  };
  return {
    count: arrow.numRows,
    norm: cells.get("norm")!,
    zeros: cells.get("num_zeros")!,
    change: maybe("change"),
    relative: maybe("relative_change"),
  };
}

export async function fetchSpectra(
  question: Omit<TensorQuestion, "model"> & { models: readonly string[]; examples: number },
  signal?: AbortSignal,
): Promise<Spectra> {
  return requestJson<Spectra>("layers/tensor/spectra", { method: "POST", body: question, signal });
}

async function columnsOf(
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<{
  arrow: ReturnType<typeof tableFromIPC>;
  cells: Map<string, ArrayLike<number>>;
}> {
  const response = await request(path, { method: "POST", body, signal });
  const arrow = tableFromIPC(new Uint8Array(await response.arrayBuffer()), { useBigInt: false });
  const cells = new Map(
    arrow.names.map((name, k) => [name, arrow.getChildAt(k).toArray() as ArrayLike<number>] as const),
  );
  return { arrow, cells };
}

/** A number of an answer; texts stand for what JSON has no literal for. */
export function told(value: number | string): number {
  return typeof value === "number" ? value : Number(value);
}
