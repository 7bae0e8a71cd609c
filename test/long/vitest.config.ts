import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["test/long/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 4 * 3600_000,
    hookTimeout: 3600_000,
    pool: "forks",
  },
});
