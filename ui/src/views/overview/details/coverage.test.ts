import { expect, test } from "vitest";
import { NBSP } from "@/format";
import { countsInWords, isSuspicious, verdict } from "./coverage";

test("what should not have happened comes first", () => {
  expect(countsInWords({ changed: 4, unchanged: 2, unexpected: 1 }).map(({ text }) => text)).toEqual([
    "1 changed unexpectedly",
    "4 changed",
    "2 unchanged, as expected",
  ]);
  expect(["unexpected", "skipped", "changed"].map(isSuspicious)).toEqual([true, true, false]);
});

test("the verdict counts tensors to look at", () => {
  expect(verdict({ changed: 1 })).toBe(`1${NBSP}tensor, all as expected.`);
  expect(verdict({ changed: 9, skipped: 2, unexpected: 1 })).toBe(`3 of 12${NBSP}tensors need a look.`);
});
