/** Channels of a layer's outputs that stand out, in words. */
import { MISSING } from "@/format";
import { listAt, type LayerTable } from "./table";

type Words = (table: LayerTable, row: number, model: number) => string;

/** The channels that make most of the error that the layer makes itself, each with its share of it. */
const worst: Words = (table, row, model) => {
  const channels = listAt(table, row, model, "worst_channels");
  const shares = listAt(table, row, model, "worst_channel_shares");
  if (!channels || !shares) return MISSING;
  if (channels.length === 0) return "none";
  return Array.from(channels, (channel, k) => `${channel} (${Math.round(100 * shares[k]!)}%)`).join(", ");
};

const outliers: Words = (table, row, model) => {
  const channels = listAt(table, row, model, "outlier_channels");
  if (!channels) return MISSING;
  return channels.length === 0 ? "none" : Array.from(channels).join(", ");
};

/** The first of a list; how many more there are is said by three dots. */
export function firstOf(list: string): string {
  const [first, ...more] = list.split(", ");
  return more.length > 0 ? `${first}, …` : first!;
}

export const CHANNELS: readonly { name: string; title: string; words: Words }[] = [
  { name: "Worst channels", title: "Channels that make most of the layer’s own error, with their share of it", words: worst },
  {
    name: "Outlier channels", title: "Channels whose largest output is more than ten times that of the median channel",
    words: outliers,
  },
];
