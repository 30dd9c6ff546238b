import { describe, expect, it } from "vitest";
import { testTable } from "@/state/testing";
import { columnsByStep } from "./columns";
import { stepLabels } from "@/state/steps";
import { mapLabels } from "./labels";
import { mapNames, WHOLE } from "./names";

const table = testTable([
  { id: "t", operation: "train", parameters: { epochs: 90 } },
  { id: "a", base: "t", operation: "prune", parameters: { amount: 0.5, scope: "global" } },
  { id: "b", base: "t", operation: "prune", parameters: { amount: 0.75, scope: "global" } },
  { id: "c", base: "a", operation: "train", parameters: { epochs: 1, warm_up: true } },
  { id: "d", base: "b", operation: "calibrate", parameters: { data: "train batch" } },
  { id: "e", base: "b", operation: "quantize", parameters: { bits: 4 } },
  { id: "f" },
]);

describe("stepLabels", () => {
  it("says what differs within an operation, and the only number there is", () => {
    expect(stepLabels(table)).toEqual(["90 epochs", "0.5", "0.75", "1 epoch, warm up", "", "4 bits", ""]);
  });
});

it("names the operation where the column does not", () => {
  const { long } = mapLabels(table, columnsByStep(table).columns);
  expect(long.slice(1, 6)).toEqual(["0.5", "0.75", "train 1 epoch, warm up", "calibrate", "quantize 4 bits"]);
});

describe("mapNames", () => {
  it("tells how the models that are shown differ", () => {
    const all = new Uint8Array(table.count).fill(1);
    expect(mapNames(table, all, false).at(WHOLE)).toEqual([
      ...["t", "t → prune 0.5", "t → prune 0.75", "t → prune 0.5 → train 1 epoch, warm up"],
      ...["t → prune 0.75 → calibrate", "t → prune 0.75 → quantize 4 bits", "f"],
    ]);
    const below = Uint8Array.from(table.ids, (id) => (id === "d" || id === "e" ? 1 : 0));
    expect(mapNames(table, below, false).at(WHOLE).slice(4, 6)).toEqual(["calibrate", "quantize 4 bits"]);
  });
  it("gives ids on demand", () => {
    const all = new Uint8Array(table.count).fill(1);
    expect(mapNames(table, all, true).at(20)).toEqual(table.ids);
  });
});
