/** Light or dark: the person's choice, else the system's; what is to be printed is light. */
import type { Theme } from "@/styles/ramps";
import { remember, remembered } from "./remember";

export type ThemeChoice = Theme | "system";
const KEY = "compress-compare.theme";

export class ThemeState {
  choice: ThemeChoice = $state("system");
  #system: Theme = $state("light");
  readonly current: Theme = $derived(this.choice === "system" ? this.#system : this.choice);

  constructor(isPaper = false) {
    if (isPaper) {
      this.choice = "light";
      this.#apply();
      return;
    }
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const stored = remembered(KEY);
    if (stored === "light" || stored === "dark") this.choice = stored;
    this.#system = dark.matches ? "dark" : "light";
    dark.addEventListener("change", () => {
      this.#system = dark.matches ? "dark" : "light";
      this.#apply();
    });
    this.#apply();
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    remember(KEY, choice === "system" ? null : choice);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.current;
  }
}
