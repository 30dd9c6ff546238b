import type { Schemas } from "./types";

/** Whatever JSON can hold: the values of operation parameters. */
export type Json = Schemas["Json"];
