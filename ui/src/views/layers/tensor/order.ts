/** Channels in an order. */
import type { Channels } from "@/api/tensors";

export type ChannelSort = "channel" | "norm" | "change" | "zeros";

/** Places of channels: largest first, but for their own order. NaN counts as the largest. */
export function channelOrder(channels: Channels, sort: ChannelSort): number[] {
  const places = Array.from({ length: channels.count }, (_, k) => k);
  const by =
    sort === "norm" ? channels.norm : sort === "zeros" ? channels.zeros : sort === "change" ? channels.relative : null;
  if (!by) return places;
  const size = (k: number): number => (Number.isNaN(by[k]!) ? Infinity : by[k]!);
  return places.sort((a, b) => (size(b) === size(a) ? a - b : size(b) > size(a) ? 1 : -1));
}

/** The largest of the channels from `first` to before `last`. */
export function largest(values: ArrayLike<number>, first: number, last: number): number {
  let most = 0;
  for (let k = Math.max(0, first); k < Math.min(last, values.length); k++) most = Math.max(most, values[k]!);
  return most;
}
