/** What `VirtualRows` shows and whoever uses it asks: how far a long list is scrolled, and which rows are in view. */
import { revealed, windowAt, type Window } from "./window";

export class VirtualList {
  /** Height of a row in pixels. */
  readonly row: number;
  readonly #total: () => number;
  /** The element that scrolls; set by the component, as what follows. */
  box: HTMLElement | null = $state.raw(null);
  top = $state.raw(0);
  left = $state.raw(0);
  width = $state.raw(0);
  /** Height of what is in view, the head included. */
  height = $state.raw(0);
  headHeight = $state.raw(0);

  constructor(row: number, total: () => number) {
    this.row = row;
    this.#total = total;
  }

  /** Height that rows have. */
  readonly view: number = $derived.by(() => Math.max(this.row, this.height - this.headHeight));
  readonly window: Window = $derived.by(() => windowAt(this.#total(), this.row, this.top, this.view));

  /** Whether a row is drawn. */
  shows(index: number): boolean {
    return index >= this.window.first && index < this.window.first + this.window.count;
  }

  /** Scroll as little as shows a row. */
  reveal(index: number): void {
    if (!this.box) return;
    const { row, view } = this;
    this.box.scrollTop = revealed(index, { total: this.#total(), row, top: this.box.scrollTop, view });
  }

  /** Scroll to the first row. */
  rewind(): void {
    if (this.box) this.box.scrollTop = 0;
  }
}
