import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { encodeSafetensors } from "../formats/safetensors/index.ts";
import { fileHashes } from "./file-hashes.ts";

async function hashed(path: string): Promise<{ steps: number; sha256: string }> {
  const walk = fileHashes(path);
  for (let steps = 0; ; steps++) {
    const { done, value } = await walk.next();
    if (done) return { steps, sha256: value.sha256 };
  }
}

test("a file is read once, and again when it changed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "illustrious-hash-"));
  vi.stubEnv("ILLUSTRIOUS_HOME", join(folder, "home"));
  const path = join(folder, "model.safetensors");
  const write = async (name: string) => {
    const bytes = await encodeSafetensors([{ name, dtype: "F32", shape: [0], data: new Uint8Array() }]);
    await writeFile(path, bytes);
    return createHash("sha256").update(bytes).digest("hex");
  };
  const first = await write("a");
  expect(await hashed(path)).toEqual({ steps: 1, sha256: first });
  expect(await hashed(path)).toEqual({ steps: 0, sha256: first });
  const second = await write("longer");
  expect(await hashed(path)).toEqual({ steps: 1, sha256: second });
  expect(await readdir(join(folder, "home/hashes"))).toHaveLength(2);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
