/** How many dots of a canvas make a pixel: those of the screen, and of a report, which may be printed, at least two. */
export function pixelRatio(): number {
  const isReport = document.documentElement.classList.contains("report");
  return Math.max(window.devicePixelRatio || 1, isReport ? 2 : 1);
}
