import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/long/**", "node_modules/**"],
    // Sessions and sampling are CPU work on as many threads as there are cores: more files at once only slow each other.
    maxWorkers: 2,
    testTimeout: 60_000,
    pool: "forks",
  },
});
