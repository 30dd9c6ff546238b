/** Answers that are Arrow streams, by the columns that the server declares for them. */
import { tableFromIPC } from "@uwdata/flechette";

/** The columns of a stream: only those that were asked for are there. */
export interface Columns<Row> {
  readonly count: number;
  /** A text of the stream's metadata. */
  note(name: string): string | undefined;
  get<Name extends keyof Row & string>(name: Name): ArrayLike<Row[Name]> | undefined;
  /** All of them, by name. */
  readonly all: ReadonlyMap<keyof Row & string, ArrayLike<unknown>>;
}

export function readColumns<Row>(bytes: ArrayBuffer): Columns<Row> {
  const arrow = tableFromIPC(new Uint8Array(bytes), { useBigInt: false });
  const names = arrow.names as (keyof Row & string)[];
  const all = new Map(names.map((name, k) => [name, arrow.getChildAt(k).toArray() as ArrayLike<unknown>] as const));
  return {
    count: arrow.numRows,
    note: (name) => arrow.schema.metadata?.get(name),
    get: (name) => all.get(name) as ArrayLike<Row[typeof name]> | undefined,
    all,
  };
}
