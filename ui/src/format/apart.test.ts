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
  it("cuts the ends of words, never the numbers or the words that differ", () => {
    const ways = ["magnitude", "gradient", "random"];
    const ids = ways.flatMap((way) => [`cnn-${way}50-calibrated`, `cnn-${way}90-calibrated`]);
    expect(shortenApart(ids, 21)).toEqual([
      ...["…magnitu…50-calibrat…", "…magnitu…90-calibrat…"],
      ...["…gradient50-calibrat…", "…gradient90-calibrat…"],
      ...["…random50-calibrated", "…random90-calibrated"],
    ]);
    for (const limit of [12, 14, 16, 18, 20]) {
      for (const [k, short] of shortenApart(ids, limit).entries()) {
        expect(short.length).toBeLessThanOrEqual(limit);
        expect(short).toContain(ids[k]!.includes("50") ? "50" : "90");
        expect(short).toContain(ways[Math.floor(k / 2)]!.slice(0, 3));
      }
    }
  });
  it("cuts in the middle where even the stems of words are too long or the same", () => {
    expect(shortenApart(["alpha-beta-gamma-delta-1"], 10)).toEqual(["alpha…ta-1"]);
    const same = ["net-quantized-static", "net-quantizer-static"];
    expect(new Set(shortenApart(same, 14)).size).toBe(2);
  });
  it("cuts a name alone in the middle, and equal names alike", () => {
    expect(shortenApart(["resnet50trained-calibrated"], 12)).toEqual(["resne…brated"]);
    expect(shortenApart(["abcdefghij", "abcdefghij"], 6)).toEqual(["abc…ij", "abc…ij"]);
  });
  it("never cuts a number in two", () => {
    expect(shortenApart(["prune 0.5 → train", "prune 0.75 → train", "prune 0.9 → train"], 15)).toEqual([
      "…0.5 → train",
      "…0.75 → train",
      "…0.9 → train",
    ]);
  });
  it("leaves no unit of a number alone before a step", () => {
    const start = "prune 0.5 → ft 3 epochs → prune 0.7 → ft 3 epochs";
    expect(shortenApart([`${start} → w4`, `${start} → static`], 20)).toEqual(["…→ w4", "…→ static"]);
  });
  it("cuts words of a path, or leaves its first steps out, and nothing else", () => {
    const paths = ["random prune 0.5 → finetune 3 epochs → quantize 4 bits", "random prune 0.7 → calibrate"];
    const short = (limit: number): string[] => shortenApart(paths, limit);
    expect(short(40)[0]).toBe("ran prun 0.5 → fine 3 epoc → quan 4 bits");
    expect(short(24)).toEqual(["…→ quantize 4 bits", "…0.7 → calibrate"]);
    expect(short(6)).toEqual(paths);
    const alike = [...paths, "palettize 3 bits → finetune 3 epochs → quantize 4 bits"];
    expect(shortenApart(alike, 24)).toEqual([paths[0], "rand… prune 0.7 → calib…", alike[2]]);
  });
});
