import { describe, expect, test } from "vitest";
import { cachedAnswer, nameOf } from "./cache";

const asked = (path: string, init?: RequestInit): Request => new Request(`http://localhost/at/api/v1/${path}`, init);

describe("a kept answer", () => {
  test("is found by what was asked, whatever the order of the models", async () => {
    const body = JSON.stringify({ models: ["b", "a"] });
    expect(await nameOf(asked("selection", { method: "POST", body }))).toBe('POST selection ["a","b"]');
    const layers = JSON.stringify({ base: "a", models: ["b", "a"], what: "weights", columns: ["module"] });
    expect(await nameOf(asked("layers", { method: "POST", body: layers }))).toBe('POST layers weights "a" ["a","b"]');
    expect(await nameOf(asked("model?id=cnn"))).toBe("GET model cnn");
    expect(await nameOf(asked("effects?metric=Size&pairs=60"))).toBe("GET effects Size");
    expect(await nameOf(asked("models?precision=single"))).toBe("GET models");
  });

  test("is given as the server gave it", async () => {
    const kept = { "GET project": { name: "digits" }, "GET models": { arrow: btoa("\x01\xff"), revision: 7 } };
    expect(await (await cachedAnswer(kept, asked("project"))).json()).toEqual({ name: "digits" });
    const stream = await cachedAnswer(kept, asked("models"));
    expect(stream.headers.get("X-Revision")).toBe("7");
    expect([...new Uint8Array(await stream.arrayBuffer())]).toEqual([1, 255]);
  });

  test("that there is not is a problem with a way out", async () => {
    const change = asked("model?id=cnn", { method: "PATCH", body: "{}" });
    await expect(cachedAnswer({}, change)).rejects.toThrow("not contain that answer");
  });
});
