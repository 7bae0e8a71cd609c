/** @file Audits of one set of drawn scenes, over a queue or none, and workers that can be ended: what tests of a Redis that fails set up. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { type AuditEvent, audit } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { ended } from "./redis-server.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;

/** Of the set, and so many a shard. */
export const [IMAGES, A_SHARD] = [36, 4];

export type Told = { readonly type: string; readonly lost?: boolean; readonly message?: string };

export type Worker = {
  readonly child: ChildProcess;
  readonly said: { readonly out: string; readonly err: string };
  events(): Told[];
};

export type AuditControl = {
  readonly queue?: string;
  readonly signal?: AbortSignal;
  /** Until it is done the audit waits to be asked for the next. */
  readonly onEvent?: (event: AuditEvent) => unknown;
};

export type SceneAudits = {
  /** Files of an undisturbed audit by one machine. */
  readonly whole: Map<string, string>;
  /** Audits the set into a folder of that name. */
  audited(name: string, control?: AuditControl): Promise<AuditEvent[]>;
  filesOf(name: string): Promise<Map<string, string>>;
  startWorker(url: string): Worker;
  endWorkers(): Promise<void>;
  close(): Promise<void>;
};

export async function openSceneAudits(): Promise<SceneAudits> {
  const root = await mkdtemp(join(tmpdir(), "scene-audits-"));
  const set = join(root, "set");
  await mkdir(set);
  for await (const _ of writeSceneSet(set, { count: IMAGES, size: 256, captions: 1 }));
  const workers: ChildProcess[] = [];

  async function audited(name: string, { queue, signal, onEvent }: AuditControl = {}): Promise<AuditEvent[]> {
    const asked = { paths: [set], out: join(root, name), shard: A_SHARD, ...(queue !== undefined && { queue }) };
    const events: AuditEvent[] = [];
    for await (const event of audit(asked, { entry, ...(signal && { signal }) })) {
      events.push(event);
      await onEvent?.(event);
    }
    return events;
  }

  await audited("whole");
  return {
    whole: await filesOf(join(root, "whole")),
    audited,
    filesOf: (name) => filesOf(join(root, name)),
    startWorker(url) {
      const argv = [main, "worker", "--queue", url, "--workers", "1", "--stall-after", "1", "--json"];
      const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
      workers.push(child);
      const said = { out: "", err: "" };
      child.stdout.on("data", (text: Buffer) => {
        said.out += text;
      });
      child.stderr.on("data", (text: Buffer) => {
        said.err += text;
      });
      const lines = () => said.out.split("\n").slice(0, -1);
      return { child, said, events: () => lines().map((line) => JSON.parse(line) as Told) };
    },
    async endWorkers() {
      for (const worker of workers.splice(0)) await ended(worker, "SIGKILL");
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
