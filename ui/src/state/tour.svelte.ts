/** The guided tour: which stop is shown, and whether this browser has had it. */
import { remember, remembered } from "./remember";

const KEY = "compress-compare.tour";
const DONE = "done";

export class TourState {
  /** Number of the stop that is shown; null for none. */
  stop: number | null = $state(null);
  /** Whether a person asked for it, as opposed to its offering itself. */
  asked = $state(false);
  readonly #stops: number;

  /**
   * Begins by itself at a first visit and goes on after a reload. A browser that a program drives is no visit, and one
   * that remembers nothing would begin every time.
   */
  constructor(stops: number, isDriven: boolean = navigator.webdriver) {
    this.#stops = stops;
    if (isDriven) return;
    if (remembered(KEY) === null) remember(KEY, "0");
    const kept = remembered(KEY);
    if (kept !== null && /^\d+$/.test(kept) && Number(kept) < stops) this.stop = Number(kept);
  }

  start(): void {
    this.asked = true;
    this.#show(0);
  }

  /** To the next stop, or with −1 to the one before; past the last one it ends. */
  go(step: 1 | -1): void {
    if (this.stop === null) return;
    const next = Math.max(0, this.stop + step);
    if (next < this.#stops) this.#show(next);
    else this.end();
  }

  /** Not to be shown again unless asked for. */
  end(): void {
    this.stop = null;
    this.asked = false;
    remember(KEY, DONE);
  }

  #show(stop: number): void {
    this.stop = stop;
    remember(KEY, String(stop));
  }
}
