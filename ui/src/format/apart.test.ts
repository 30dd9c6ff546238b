import { describe, expect, it } from "vitest";
import { shortenApart } from "./apart";

describe("shortenApart", () => {
  it("leaves what is short, and cuts what all share", () => {
    expect(shortenApart(["cnn", "cnn-w4"], 10)).toEqual(["cnn", "cnn-w4"]);
    const ids = ["cnn-magnitude70-finetuned", "cnn-magnitude70-finetuned-w4", "cnn-magnitude70-finetuned-int8"];
    expect(shortenApart(ids, 20)).toEqual(["…finetuned", "…finetuned-w4", "…finetuned-int8"]);
  });
  it("never makes two labels equal", () => {
    const ids = ["cnn-magnitude70-finetuned", "cnn-magnitude90-finetuned", "cnn-gradient90-finetuned", "cnn"];
    for (const limit of [6, 9, 12, 17, 20]) {
      expect(new Set(shortenApart(ids, limit)).size).toBe(ids.length);
    }
    expect(new Set(shortenApart(["quantize", "quantize static", "quantize stable"], 8)).size).toBe(3);
  });
  it("cuts a name alone in the middle, and equal names alike", () => {
    expect(shortenApart(["resnet50trained-calibrated"], 12)).toEqual(["resne…brated"]);
    expect(shortenApart(["abcdefghij", "abcdefghij"], 6)).toEqual(["abc…ij", "abc…ij"]);
  });
});
