/** The program of a report: one script and one style, which `compress_compare.report` puts into the file. */
import { defineConfig, mergeConfig } from "vite";
import page from "./vite.config.ts";

export default mergeConfig(
  page,
  defineConfig({
    publicDir: false,
    build: {
      outDir: "../src/compress_compare/server/static/report",
      cssCodeSplit: false,
      modulePreload: false,
      rolldownOptions: {
        input: "src/report/main.ts",
        output: { entryFileNames: "report.js", assetFileNames: "report[extname]", codeSplitting: false },
      },
    },
  }),
);
