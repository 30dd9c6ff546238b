import { describe, expect, test } from "vitest";
import { cachedAnswer, nameOf } from "./cache";

describe("a kept answer", () => {
  test("is found by what was asked, whatever the order of the models", () => {
    expect(nameOf("selection", { method: "POST", body: { models: ["b", "a"] } })).toBe('POST selection ["a","b"]');
    expect(nameOf("model", { query: { id: "cnn" } })).toBe("GET model cnn");
    expect(nameOf("effects", { query: { metric: "Size", pairs: 60 } })).toBe("GET effects Size");
    expect(nameOf("models", { query: { precision: "single" } })).toBe("GET models");
  });

  test("is given as the server gave it", async () => {
    const kept = { "GET project": { name: "digits" }, "GET models": { arrow: btoa("\x01\xff"), revision: 7 } };
    expect(await cachedAnswer(kept, "project", {}).json()).toEqual({ name: "digits" });
    const stream = cachedAnswer(kept, "models", {});
    expect(stream.headers.get("X-Revision")).toBe("7");
    expect([...new Uint8Array(await stream.arrayBuffer())]).toEqual([1, 255]);
  });

  test("that there is not is a problem with a way out", () => {
    expect(() => cachedAnswer({}, "model", { method: "PATCH", query: { id: "cnn" } })).toThrow(
      "not contain that answer",
    );
  });
});
