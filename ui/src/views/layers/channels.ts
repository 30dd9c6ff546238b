/** What is said about single channels, in words. */
import { MISSING, plain } from "@/format";
import { listAt, numberAt, type LayerTable } from "./table";

type Words = (table: LayerTable, row: number, model: number) => string;

/** The channels that make most of the error added by the layer, each with its share of it. */
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

const norms: Words = (table, row, model) => {
  const [low, high] = (["channel_norm_min", "channel_norm_max"] as const).map((name) =>
    numberAt(table, row, model, name),
  );
  if (low == null || high == null) return MISSING;
  return low === high ? plain(low) : `${plain(low)}–${plain(high)}`;
};

const mostChanged: Words = (table, row, model) => {
  const channel = numberAt(table, row, model, "most_changed_channel");
  return channel === null || !numberAt(table, row, model, "channel_norm_change") ? MISSING : String(channel);
};

/** The first of a list; how many more there are is said by three dots. */
export function firstOf(list: string): string {
  const [first, ...more] = list.split(", ");
  return more.length > 0 ? `${first}, …` : first!;
}

export const OUTPUTS: readonly { name: string; title: string; words: Words }[] = [
  {
    name: "Worst channels",
    title: "Channels that make most of the error added here, each with its share",
    words: worst,
  },
  {
    name: "Outlier channels",
    title: "Channels whose largest output is more than 10× that of the typical channel",
    words: outliers,
  },
];

export const WEIGHTS: readonly { name: string; title: string; words: Words }[] = [
  { name: "Channel norms", title: "Smallest and largest norm of an output channel", words: norms },
  { name: "Changed most", title: "The output channel whose norm changed most, counted from 0", words: mostChanged },
];
