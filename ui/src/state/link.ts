/** The address of what is on the screen, to be pasted elsewhere. */
export function copyLink(): Promise<void> {
  return navigator.clipboard.writeText(location.href);
}
