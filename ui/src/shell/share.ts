/** How panels divide the page, remembered in the browser. */
const PREFIX = "compress-compare.share.";

export function readShare(name: string, initial: number): number {
  const share = Number(localStorage.getItem(PREFIX + name));
  return share > 0 && share < 1 ? share : initial;
}

export function writeShare(name: string, share: number): void {
  localStorage.setItem(PREFIX + name, share.toFixed(4));
}
