import { afterEach, describe, expect, test, vi } from "vitest";
import { addressOf, answerOf, api, watched } from "./client";
import { ApiError } from "./problem";

/** What is asked from now on, answered as given. */
function serve(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    return answer(request);
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("a request", () => {
  test("has its query, its body and the name to watch it by", async () => {
    const asked = serve(() => Response.json({ ids: [] }));
    await api.GET("/api/v1/model", { params: { query: { id: "a/b c" } } });
    await api.POST("/api/v1/selection", { body: { models: ["a"] }, headers: watched("w1") });
    expect(asked[0]!.url).toBe("http://localhost/api/v1/model?id=a%2Fb%20c");
    expect(asked[1]!.headers.get("X-Watch")).toBe("w1");
    expect(await asked[1]!.json()).toEqual({ models: ["a"] });
  });

  test("that changes something is JSON, even without a body", async () => {
    const asked = serve(() => Response.json({}));
    await api.POST("/api/v1/jobs/retry", { params: { query: { id: "j" } } });
    expect(asked[0]!.headers.get("Content-Type")).toBe("application/json");
  });

  test("for a stream gives its bytes and its headers", async () => {
    serve(() => new Response(Uint8Array.of(1, 255), { headers: { "X-Revision": "7" } }));
    const { data, response } = await api.GET("/api/v1/models", { parseAs: "arrayBuffer" });
    expect([...new Uint8Array(data!)]).toEqual([1, 255]);
    expect(response.headers.get("X-Revision")).toBe("7");
  });

  test("that is refused is a problem with its code and its way out", async () => {
    const problem = { code: "model.unknown", title: "There is none.", detail: "", hint: "Look." };
    serve(() => Response.json(problem, { status: 404 }));
    const found = await answerOf(api.GET("/api/v1/project")).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(ApiError);
    expect(found).toMatchObject({ status: 404, code: "model.unknown", hint: "Look." });
  });

  test("that reaches nobody says so, and one that is aborted is only that", async () => {
    serve(() => Promise.reject(new TypeError("no route")));
    await expect(answerOf(api.GET("/api/v1/project"))).rejects.toMatchObject({ code: "network" });
    serve(() => Promise.reject(new DOMException("aborted", "AbortError")));
    await expect(answerOf(api.GET("/api/v1/project"))).rejects.toMatchObject({ name: "AbortError" });
  });

  test("as an address is relative, and its query is safe", () => {
    expect(addressOf("/api/v1/behaviors/image", { dataset: "a&b", id: "1" })).toBe(
      "api/v1/behaviors/image?dataset=a%26b&id=1",
    );
  });
});
