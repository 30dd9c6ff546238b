/** What the panels of a page can save: each part offers its tables, the panel's menu lists them. */
import { createContext, untrack } from "svelte";
import type { MenuItem } from "@/widgets/Menu.svelte";
import { toCsv, type CsvValue } from "./csv";
import { downloadCsv, downloadPicture } from "./download";
import type { Picture } from "./picture";

export interface TableOffer {
  /** What the rows are: "the table". */
  what: string;
  header: readonly string[];
  rows: () => Iterable<readonly CsvValue[]>;
}

export class Offers {
  tables: readonly TableOffer[] = $state.raw([]);
  /** How many charts there are to make a picture of. */
  charts = $state(0);

  /** Tell how many charts the component that is being made shows. */
  chart(count: () => number): void {
    $effect(() => {
      const shown = count();
      untrack(() => (this.charts += shown));
      return () => (this.charts -= shown);
    });
  }

  /** Offer a table for as long as the component that is being made is there and `make` gives one. */
  offer(make: () => TableOffer | null): void {
    $effect(() => {
      const table = make();
      if (!table) return;
      this.tables = [...untrack(() => this.tables), table];
      return () => (this.tables = this.tables.filter((other) => other !== table));
    });
  }
}

export const [useOffers, provideOffers] = createContext<Offers>();

/** Menu items that save a picture in both formats; `name` is that of the file. */
export function pictureItems(name: () => string, picture: () => Picture): MenuItem[] {
  return [
    { label: "Export SVG", run: () => void downloadPicture(picture(), "svg", name()) },
    { label: "Export PNG", run: () => void downloadPicture(picture(), "png", name()) },
  ];
}

export function tableItem({ what, header, rows }: TableOffer, name: () => string): MenuItem {
  return {
    label: `Export CSV: ${what.replace(/^the /, "")}`,
    run: () => downloadCsv(toCsv(header, rows()), `${name()} ${what.replace(/^the /, "")}`),
  };
}
