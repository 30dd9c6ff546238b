/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const server = process.env.COMPRESS_COMPARE_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  // Relative addresses, so that the page also works behind a notebook's proxy.
  base: "./",
  plugins: [svelte()],
  resolve: {
    alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) },
    // Tests mount components as a browser does, not as a server renders them.
    ...(process.env.VITEST ? { conditions: ["browser"] } : {}),
  },
  build: {
    outDir: "../src/compress_compare/server/static",
    emptyOutDir: true,
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    target: "es2022",
    rolldownOptions: { input: { index: "index.html", projects: "projects.html" } },
  },
  server: { proxy: { "/api": { target: server } } },
  // A test that mounts a component begins with `// @vitest-environment jsdom`.
  // A test waits for what it names, however busy the machine is.
  test: { environment: "node", include: ["src/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
});
