/** @file What of a Redis passes for a chunk, and what does not. */

import { expect, test } from "vitest";
import { VERSION } from "../version.ts";
import { chunkJobOf, PROTOCOL, progressOf } from "./chunk-job.ts";

const JOB = {
  ...{ protocol: PROTOCOL, program: VERSION, folder: "/audit/chunks", name: `00000-${"0a".repeat(16)}`, images: 4 },
  ...{ paths: ["/set"], workingSide: 768, timeLimit: 30 },
};

test("a job is what it was before it went through JSON", () => {
  expect(chunkJobOf(JSON.parse(JSON.stringify(JOB)))).toEqual(JOB);
});

test.each<[what: string, job: unknown]>([
  ["nothing", undefined],
  ["a list", [JOB]],
  ["a name that leads elsewhere", { ...JOB, name: `../../${JOB.name}` }],
  ["a name with a line break behind it", { ...JOB, name: `${JOB.name}\n` }],
  ["a folder by no absolute path", { ...JOB, folder: "chunks" }],
  ["a path that is none", { ...JOB, paths: ["set"] }],
  ["a path of megabytes", { ...JOB, paths: [`/${"x".repeat(2 ** 20)}`] }],
  ["no images", { ...JOB, images: 0 }],
  ["a picture that fills the memory", { ...JOB, workingSide: 1e9 }],
  ["a limit of days", { ...JOB, timeLimit: 1e6 }],
  ["a version of megabytes", { ...JOB, program: "9".repeat(2 ** 20) }],
])("%s is refused", (_, job) => {
  expect(() => chunkJobOf(job)).toThrow(expect.objectContaining({ code: "queue_failed" }));
});

test("another version's is told as such, whatever else it has", () => {
  const { protocol, folder } = JOB;
  const job = { protocol, program: "9.9.9", folder, more: 1 };
  expect(() => chunkJobOf(job)).toThrow(expect.objectContaining({ code: "unsupported" }));
});

test("progress is counts, or nothing", () => {
  const told = { measured: 3, errors: 1, at: 7, losses: { "7": 2 } };
  expect(progressOf(told)).toEqual(told);
  const hostile = [
    0,
    {},
    { measured: -1, errors: 0 },
    { measured: Number.POSITIVE_INFINITY, errors: 0 },
    { ...told, losses: { __x: 1 } },
  ];
  expect(hostile.map(progressOf)).toEqual(hostile.map(() => undefined));
});
