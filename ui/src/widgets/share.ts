/** How panels divide the page, remembered in the browser. */
import { remember, remembered } from "@/state/remember";

const PREFIX = "compress-compare.share.";

export function readShare(name: string, initial: number): number {
  const share = Number(remembered(PREFIX + name));
  return share > 0 && share < 1 ? share : initial;
}

export function writeShare(name: string, share: number): void {
  remember(PREFIX + name, share.toFixed(4));
}
