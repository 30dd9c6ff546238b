/** Whatever JSON can hold: the values of operation parameters. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
