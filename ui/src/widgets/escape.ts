/** Escape closes the topmost thing only. */

/** Whether a key is Escape and nothing lies above the page that it closes first: a menu, a dialog, or what is typed. */
export function closes(event: KeyboardEvent): boolean {
  if (event.key !== "Escape" || document.querySelector("[role=menu], [role=dialog], dialog[open]")) return false;
  return !(event.target instanceof Element && event.target.closest("input, textarea, select"));
}
