import { describe, expect, it } from "vitest";
import type { RealityRow } from "@/api/reality";
import { against, lines, reasonAfter, verdictWords } from "./reality";

const ROW: RealityRow = {
  model: "p90",
  root: "cnn",
  sparsity: 0.9,
  bits: 32,
  stored_bytes: 20_168,
  gzip_bytes: 3_301,
  packed_bytes: 2_893,
  macs: 115_840,
  peak_memory_bytes: 35_808,
  latency_s: 3.4e-4,
  latency_iqr_s: 1e-5,
  latency_device: "cpu (PyTorch 2.13.0, 1 thread)",
  onnx_bytes: null,
  onnx_latency_s: null,
  onnx_latency_iqr_s: null,
  onnx_latency_device: null,
  integer_products: 0,
  onnx_integer_products: null,
  stored_ratio: 0.99,
  packed_ratio: 6.01,
  macs_ratio: 1,
  latency_ratio: 0.65,
  onnx_latency_ratio: null,
  claim: "",
  agrees: false,
  causes: [],
  reason: "",
  missing: ["onnx_latency_s"],
  measurable: true,
};

describe("the reality check", () => {
  it("says factors against the root", () => {
    expect(against(6.01, "smaller", "larger", 1.05)).toEqual({ change: "6.0× smaller", goodness: "good" });
    expect(against(0.5, "faster", "slower", 1.25)).toEqual({ change: "2.0× slower", goodness: "bad" });
    expect(against(0.9, "faster", "slower", 1.25)).toEqual({ change: "same", goodness: "neutral" });
    expect(against(null, "faster", "slower", 1.25).change).toBe("");
    expect(against(25.3, "smaller", "larger", 1.05).change).toBe("25× smaller");
  });

  it("has a line for each number, and none for what is not known", () => {
    const found = Object.fromEntries(
      lines(ROW).map((line) => [line.name, [line.value?.replace(/\u00a0/g, " ") ?? null, line.change]]),
    );
    expect(found.zeros).toEqual(["90%", ""]);
    expect(found.packed).toEqual(["2.89 kB", "6.0× smaller"]);
    expect(found.file).toEqual(["20.2 kB", "same"]);
    expect(found.PyTorch![1]).toBe("1.5× slower");
    expect(found["ONNX Runtime"]).toEqual([null, ""]);
  });

  it("says the claim once", () => {
    const claim = "4 bits claimed: 0 of 14 layers quantized.";
    expect(reasonAfter({ claim, reason: `${claim} The file is as large.` })).toBe("The file is as large.");
    expect(reasonAfter({ claim: "", reason: "Nothing is claimed." })).toBe("Nothing is claimed.");
  });
  it("say what it is that is not as claimed", () => {
    expect(verdictWords({ agrees: true, causes: [] })).toBe("as claimed");
    expect(verdictWords({ agrees: false, causes: ["zeros_stored", "no_sparse_kernel", "calls_dominate"] })).toBe(
      "file size and time not as claimed",
    );
    expect(verdictWords({ agrees: false, causes: ["claim_not_found"] })).toBe("the weights not as claimed");
  });

  it("compares a root with nothing", () => {
    expect(lines({ ...ROW, root: "p90" }).every((line) => line.change === "")).toBe(true);
  });
});
