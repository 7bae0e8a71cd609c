import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { encodeEvent, encodeRecord, openEventFile, readRecords, stepOfEvent, type TensorboardEvent } from "./index.ts";

test("checksums of RFC 3720, B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

// The file that TensorBoard's own writer and protobuf classes make: scripts/goldens/event_files.py.
const golden = readFileSync(new URL("../../../test/fixtures/formats/tensorboard.tfevents", import.meta.url));
const png = Buffer.from(
  "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082",
  "hex",
);
const events: TensorboardEvent[] = [
  { wallTime: 1700000000.25, step: 0, fileVersion: "brain.Event:2" },
  { wallTime: 1700000000.5, step: 101, sessionStart: true },
  {
    wallTime: 1700000001.5,
    step: 1,
    values: [
      { tag: "loss/raw", scalar: 0.125 },
      { tag: "a zero", scalar: 0 },
    ],
  },
  { wallTime: 1700000002.5, step: 2 ** 40, values: [{ tag: "not finite", scalar: Number.POSITIVE_INFINITY }] },
  {
    wallTime: 1700000003.5,
    step: 300,
    values: [{ tag: "previews/1", png, width: 1, height: 1, description: "1girl, café 初音ミク" }],
  },
  { wallTime: 0, step: 0, values: [{ tag: "recipe", text: "    seed = 1\n" }] },
];

test("events are, byte for byte, those of TensorBoard's own writer", () => {
  const ours = Buffer.concat(events.map((event) => encodeRecord(encodeEvent(event))));
  expect(ours.equals(golden)).toBe(true);
});

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(join(tmpdir(), "events-")));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

async function stepsIn(path: string): Promise<number[]> {
  const file = await open(path);
  const steps: number[] = [];
  for await (const { data } of readRecords(file, (await file.stat()).size, path)) steps.push(stepOfEvent(data));
  await file.close();
  return steps;
}

test("the steps of TensorBoard's own file are read back", async () => {
  const path = join(folder(), "a");
  writeFileSync(path, golden);
  expect(await stepsIn(path)).toEqual([0, 101, 1, 2 ** 40, 300, 0]);
});

test("after a kill in the middle of any record, exactly the whole ones are kept", async () => {
  const dir = folder();
  const first = await openEventFile(dir, undefined, 1000);
  for (const step of [1, 2, 3]) await first.write(step, [{ tag: "loss", scalar: step }], 1000);
  await first.close();
  const whole = readFileSync(first.path);
  const ends = [0];
  for (let at = 0; at < whole.length; ends.push(at)) at += 16 + Number(whole.readBigUInt64LE(at));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), fc.boolean(), async (size, zeros) => {
      const torn = folder();
      const path = join(torn, "events.out.tfevents.0000001000.illustrious");
      writeFileSync(path, whole);
      truncateSync(path, size);
      // After a power cut a file may have its new length, but zeros in the place of data.
      if (zeros) truncateSync(path, whole.length + 100);
      await (await openEventFile(torn, 3, 2000)).close();
      const kept = readFileSync(path).length;
      // Zeros may be what stood there.
      const most = zeros ? whole.length : size;
      expect(ends).toContain(kept);
      expect(kept).toBeGreaterThanOrEqual(ends.findLast((end) => end <= size)!);
      expect(kept).toBeLessThanOrEqual(most);
      expect(readFileSync(path).equals(whole.subarray(0, kept))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("a run that goes back to step 2 loses what came later, in a file of its own that says so", async () => {
  const dir = folder();
  const first = await openEventFile(dir, undefined, 1000);
  for (const step of [1, 2, 3, 4]) await first.write(step, [{ tag: "loss", scalar: step }]);
  await first.close();
  const second = await openEventFile(dir, 2, 999);
  await second.write(3, [{ tag: "loss", scalar: 30 }]);
  await second.close();
  expect(await stepsIn(first.path)).toEqual([0, 1, 2]);
  expect(await stepsIn(second.path)).toEqual([0, 3, 3]);
  expect(readdirSync(dir).sort()).toEqual([
    "events.out.tfevents.0000001000.illustrious",
    "events.out.tfevents.0000001001.illustrious",
  ]);
});

test("events that are not waited for keep their order", async () => {
  const file = await openEventFile(folder(), undefined, 1000);
  const steps = Array.from({ length: 50 }, (_, i) => i + 1);
  await Promise.all(steps.map((step) => file.write(step, [{ tag: "x".repeat(step * 1000), scalar: step }])));
  await file.close();
  expect(await stepsIn(file.path)).toEqual([0, ...steps]);
});

test("damaged files give whole records or a typed error, and lengths from strangers reserve no memory", async () => {
  const path = join(folder(), "a");
  await fc.assert(
    fc.asyncProperty(fc.nat(golden.length - 1), fc.nat(255), async (at, byte) => {
      const bytes = Buffer.from(golden);
      bytes[at] = byte;
      writeFileSync(path, bytes);
      const steps = await stepsIn(path);
      const same = byte === golden[at];
      // One changed byte lies in one record, and the checksums of that record notice.
      expect(steps).toEqual(same ? [0, 101, 1, 2 ** 40, 300, 0] : [0, 101, 1, 2 ** 40, 300, 0].slice(0, steps.length));
      expect(steps.length < 6).toBe(!same);
    }),
    { numRuns: 300 },
  );
  const length = Buffer.alloc(12);
  length.writeBigUInt64LE(2n ** 63n);
  length.writeUInt32LE(maskedCrc32c(length.subarray(0, 8)), 8);
  writeFileSync(path, Buffer.concat([length, Buffer.alloc(100)]));
  expect(await stepsIn(path)).toEqual([]);
  expect(() => stepOfEvent(Uint8Array.of(0x10))).toThrow(expect.objectContaining({ code: "bad_file" }));
});
