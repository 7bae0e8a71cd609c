/** @file The page of a report on real files with hostile names, captions and tags, and on files that have gone or changed since. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fitThresholds, printThresholds } from "../../src/colour/index.ts";
import { type AuditReportEvent, audit, auditReport } from "../../src/index.ts";
import { CHROMIUM, openPage } from "../chromium.ts";

const FLAT = {
  ...{ workingSide: 768, contrast: 0.1, brightness: 100, sharpness: 50 },
  ...{ dynamicColours: 1, colourfulness: 40, saturation: 0 },
};

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);

/** What a page must not run; each would change its title. */
const RUN = "document.title='ran'";
const HOSTILE = [
  `<script>${RUN}<\uff0fscript>`,
  `"><img src=x onerror="${RUN}">`,
  `' autofocus onfocus='${RUN}`,
  "javascript:alert(1)",
  "\u202egnp.exe\u2066",
  "\u0007\u001b[31mred\u0085",
  "</title><svg onload=alert(1)>",
];
const captionOf = (i: number) =>
  `${HOSTILE[i]!.replace("\uff0f", "/")}, <b>tag</b>, </style><script>${RUN}</script>\n<iframe src="http://127.0.0.1:9/">`;

let root = "";
let page = "";
let events: AuditReportEvent[] = [];

async function flat(red: number): Promise<Buffer> {
  const background = { r: red, g: 20, b: 90 };
  return sharp({ create: { width: 40 + red, height: 50, channels: 3, background } })
    .png()
    .toBuffer();
}

async function archiveOf(name: string, content: Buffer): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name }, content);
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function report(html: string): Promise<AuditReportEvent[]> {
  const told: AuditReportEvent[] = [];
  for await (const event of auditReport({ audit: join(root, "audit"), html }, { entry })) told.push(event);
  return told;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "audit-report-"));
  const set = join(root, "set");
  await mkdir(set);
  for (const [i, name] of HOSTILE.entries()) {
    const stem = join(set, `${i}${name.replaceAll("/", "\uff0f")}`);
    await writeFile(`${stem}.png`, await flat(30 * i));
    await writeFile(`${stem}.txt`, captionOf(i));
  }
  await writeFile(join(set, "gone.png"), await flat(250));
  await writeFile(join(set, "changed.png"), await flat(240));
  await writeFile(join(set, "broken.png"), (await flat(3)).subarray(0, 60));
  await writeFile(join(set, "y.tgz"), gzipSync(await archiveOf("in/compressed.png", await flat(245))));
  await writeFile(join(set, "z.tar"), await archiveOf("in/<b>archive<b>.png", await flat(230)));
  for await (const _ of audit({ paths: [set], out: join(root, "audit"), workers: 2 }, { entry }));
  await rm(join(set, "gone.png"));
  await writeFile(join(set, "changed.png"), await flat(100));
  events = await report(join(root, "page.html"));
  page = await readFile(join(root, "page.html"), "utf8");
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

test("progress, the page and the report are told; the page is whole and nothing else is left", async () => {
  const stages = new Set(events.flatMap((event) => (event.type === "progress" ? [event.stage] : [])));
  expect([...stages]).toEqual(["thumbnails"]);
  const last = events.findLast(({ type }) => type === "progress") as { readonly done: number; readonly total: number };
  expect(last.done).toBe(last.total);
  expect(events.at(-2)).toMatchObject({ type: "page", bytes: (await stat(join(root, "page.html"))).size });
  expect(events.at(-1)).toMatchObject({ type: "done", report: { images: 12, measured: 11, errors: { broken: 1 } } });
  expect((await readdir(root)).sort()).toEqual(["audit", "page.html", "set"]);
  expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
});

test("images at the ends are small pictures, from archives too; what has gone or changed says so", async () => {
  const addresses = [...page.matchAll(/src="data:image\/webp;base64,([^"]+)"/g)];
  expect(addresses.length).toBeGreaterThan(50);
  const { format, width } = await sharp(Buffer.from(addresses[0]![1]!, "base64")).metadata();
  expect(format).toBe("webp");
  expect(width).toBeLessThanOrEqual(240);
  expect(page).toContain("missing: no such file");
  expect(page).toContain("changed: no longer the file that was measured");
  expect(page).toMatch(/<img src="data:[^>]*alt="&lt;b&gt;archive&lt;b&gt;\.png"/);
  expect(page).toMatch(/<img src="data:[^>]*alt="compressed\.png"/);
});

test("nothing of a file is markup, and the page has no address but pictures of its own", () => {
  expect(page).not.toMatch(/<(?:script|iframe|img src=x|b>tag|svg onload)/i);
  for (const tag of page.match(/<[^>]*>/g)!) expect(tag).not.toMatch(/^<[^"]*(?:"[^"]*"[^"]*)*\son\w+=/);
  const addresses = [...page.matchAll(/\s(?:src|href|action|data|srcset)="([^"]*)"/g)].map((m) => m[1]!);
  expect(addresses.filter((address) => !/^#[a-z]+$|^data:image\/webp;base64,/.test(address))).toEqual([]);
  // Controls and what turns writing round are spelled out.
  expect(page).not.toMatch(/(?![\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
  expect(page).toContain("\\u{202e}gnp.exe");
  expect(page).toContain("default-src &#39;none&#39;");
});

test("the command writes the same page, and tells where", async () => {
  const again = join(root, "again.html");
  const main = join(import.meta.dirname, "../../dist/cli/main.js");
  const argv = [main, "audit", "report", join(root, "audit"), "--html", again];
  // Whoever comes first counts what is not there.
  await rm(join(root, "audit/table/figures.json"));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, argv);
  expect(stdout).toBe(`${again}\n`);
  expect(stderr).toContain("12 of 12 images counted");
  expect((await readFile(again, "utf8")) === page).toBe(true);
}, 120_000);

test("thresholds of a file are drawn, unless they are of another working side", async () => {
  const measured = Array.from({ length: 45 }, (_, i) => ({ ...FLAT, saturation: 1 + (i % 3) }));
  const file = join(root, "thresholds.json");
  const html = join(root, "given.html");
  await writeFile(file, printThresholds(fitThresholds(measured, { name: "three <images>" })));
  for await (const _ of auditReport({ audit: join(root, "audit"), html, thresholds: file }, { entry }));
  expect(await readFile(html, "utf8")).toContain("muted colors ≤ 1 &lt; average colors ≤ 2");
  expect(await readFile(html, "utf8")).toContain("three &lt;images&gt;");
  // Neither measures that tie nor a set of twelve images have any.
  expect(await readFile(html, "utf8")).not.toContain("blurry ≤");
  expect(page).not.toContain("muted colors ≤");
  const others = measured.map((measures) => ({ ...measures, workingSide: 64 }));
  await writeFile(file, printThresholds(fitThresholds(others, { name: "small" })));
  const refused = auditReport({ audit: join(root, "audit"), html, thresholds: file }, { entry });
  await expect(
    (async () => {
      for await (const _ of refused);
    })(),
  ).rejects.toMatchObject({ code: "bad_option", message: expect.stringContaining("64 pixels") });
}, 120_000);

test("a run that is stopped writes no page", async () => {
  const stop = new AbortController();
  const walk = async () => {
    const input = { audit: join(root, "audit"), html: join(root, "stopped.html") };
    for await (const event of auditReport(input, { entry, signal: stop.signal })) {
      if (event.type === "progress" && event.stage === "thumbnails") stop.abort();
    }
  };
  await expect(walk()).rejects.toMatchObject({ code: "cancelled" });
  await expect(stat(join(root, "stopped.html"))).rejects.toThrow("ENOENT");
}, 120_000);

// Where no Chromium is installed, the tests above stand alone.
test.skipIf(CHROMIUM === undefined)(
  "in Chromium nothing runs, and the page's own style does",
  async () => {
    const probe = join(root, "probe.html");
    const style = /<style>/.exec(page)!;
    expect(style).not.toBeNull();
    await writeFile(probe, page);
    const { dom, log } = await openPage(probe);
    expect(dom).toContain("<title>Audit of audit</title>");
    expect(dom).not.toMatch(/<(?:script|iframe)/);
    expect(log).not.toMatch(/Content Security Policy|violates/);
    // The same browser runs the same payload where neither escaping nor the policy stands before it.
    await writeFile(probe, `<!doctype html><title>quiet</title><img src=x onerror="${RUN}">`);
    expect((await openPage(probe)).dom).toContain("<title>ran</title>");
    // And where only the policy does, it is the policy that stops it.
    await writeFile(probe, page.replace("<main>", `<main><img src=x onerror="${RUN}"><script>${RUN}</script>`));
    const held = await openPage(probe);
    expect(held.dom).toContain("<title>Audit of audit</title>");
    expect(held.log).toMatch(/Content Security Policy/);
  },
  300_000,
);
