/** The server's records, by name. */
import type { components } from "./schema.gen";

export type Schemas = components["schemas"];
export type ProjectInfo = Schemas["ProjectAnswer"];
