/** The server's records, by name. */
import type { components } from "./schema.gen";

export type Schemas = components["schemas"];
export type ProjectInfo = Schemas["ProjectAnswer"];

/** A record as it is asked for: lists may be read-only, and what has a default may be left out. */
export type Asked<T> = T extends readonly (infer Item)[]
  ? readonly Asked<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Asked<T[Key]> }
    : T;
