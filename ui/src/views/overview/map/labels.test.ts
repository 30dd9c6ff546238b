import { describe, expect, it } from "vitest";
import { testTable } from "@/state/testing";
import { columnsByStep } from "./columns";
import { stepLabels } from "@/state/steps";
import { mapLabels } from "./labels";

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
