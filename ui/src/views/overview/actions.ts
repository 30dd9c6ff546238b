/** What can be done with models wherever they are shown. */
import { copyLink } from "@/state/link";
import type { AppState } from "@/state/app";
import type { CsvValue } from "@/export/csv";
import type { TableOffer } from "@/export/offers.svelte";
import type { ModelTable } from "@/state/table";
import { parameterText } from "@/state/filters";
import { valueOf } from "@/widgets/facts";
import type { MenuItem } from "@/widgets/Menu.svelte";
import { changeActions, releaseActions } from "./changes/actions";
import { kin } from "./map/walk";

/** The groups of a model's menu. */
export function modelActions(app: AppState, model: number): MenuItem[][] {
  const { project, view } = app;
  const table = project.table!;
  const id = table.ids[model]!;
  const base = table.base[model]!;
  const leaf = !table.children[model]!.length;
  const folded = view.state.collapsed.includes(id);
  const fold = (): void => {
    const { collapsed } = view.state;
    view.update({ collapsed: folded ? collapsed.filter((other) => other !== id) : [...collapsed, id] });
  };
  return [
    [
      { label: "Open", run: () => (view.select([model]), view.update({ tab: "selection" })) },
      { label: "Compare with its parent", run: () => view.select([base, model]), unless: base < 0 },
      {
        label: view.selected.has(model) ? "Remove from the selection" : "Add to the selection",
        run: () => view.select([model], "toggle"),
        unless: !view.selection.length,
      },
    ],
    [
      {
        label: "Select its lineage",
        run: () => view.select([...kin(table, [model], "ancestors"), model]),
        unless: base < 0,
      },
      {
        label: "Select it and its descendants",
        run: () => view.select([model, ...kin(table, [model], "descendants")]),
        unless: leaf,
      },
      { label: "Select its children", run: () => view.select(table.children[model]!), unless: leaf },
      { label: folded ? "Expand" : "Collapse", run: fold, unless: leaf },
    ],
    releaseActions(app, id),
    changeActions(app, id),
    [{ label: "Copy id", run: () => void navigator.clipboard.writeText(id) }, linkAction()],
  ];
}

export function linkAction(): MenuItem {
  return { label: "Copy link to this view", run: () => void copyLink() };
}

/** What models are and measure, one row each. */
export function modelsOffer(what: string, table: ModelTable, models: readonly number[]): TableOffer {
  const names = table.metrics.map(({ name }) => name);
  const row = (i: number): CsvValue[] => [
    table.ids[i],
    table.base[i]! < 0 ? null : table.ids[table.base[i]!],
    table.operation[i],
    Object.entries(table.parameters[i]!)
      .map(([name, value]) => `${name}=${parameterText(value)}`)
      .join("; "),
    table.step[i],
    table.tags[i]!.join("; "),
    ...names.map((name) => valueOf(table, name, i)),
  ];
  return {
    what,
    header: ["id", "base", "operation", "parameters", "step", "tags", ...names],
    rows: () => models.map(row),
  };
}
