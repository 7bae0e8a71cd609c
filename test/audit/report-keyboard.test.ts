/** @file The page of a report by keys alone, in a real browser: where the focus goes, that it is seen, and that what it is on can be worked. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reportPage } from "../../src/tasks/audit/report/page.ts";
import { CHROMIUM } from "../chromium.ts";
import { type DrivenPage, drivePage } from "../driven-page.ts";
import { auditRow, layAudit } from "./lay-audit.ts";
import { reportOf } from "./report-of.ts";

let root = "";
let page = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "report-keyboard-"));
  page = join(root, "page.html");
  const rows = Array.from({ length: 60 }, (_, i) =>
    auditRow(i, { width: 300 + 31 * i, height: 2000 - 29 * i, saturation: 4 * i, caption: `tag ${i % 7}, solo` }),
  );
  await layAudit(join(root, "audit"), rows);
  const report = await reportOf(join(root, "audit"));
  await writeFile(page, reportPage(report, { title: "keys", thresholds: undefined, thumbnails: new Map() }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** All that can have the focus, in the order of the page. */
const ALL = `[...document.querySelectorAll("a[href], summary, [tabindex]")].filter((one) => one.checkVisibility({ contentVisibilityAuto: true }))`;
const NAMED = `((one) => one.tagName + " " + [...document.querySelectorAll("*")].indexOf(one))`;

type Focus = {
  readonly name: string;
  readonly box: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
  /** Its top on the whole page. */
  readonly y: number;
  readonly outline: number;
};

const focus = ({ read }: DrivenPage): Promise<Focus> =>
  read(`(() => {
    const one = document.activeElement;
    const { top, bottom, left, right } = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
    return { name: ${NAMED}(one), box: { top, bottom, left, right }, y: Math.round(top + scrollY), outline };
  })()`);

const WIDE = { width: 1200, height: 800 };

test.skipIf(CHROMIUM === undefined)(
  "the focus goes through the whole page in its order, is seen wherever it is, and goes back",
  () =>
    drivePage(page, WIDE, async (driven) => {
      const order = await driven.read<string[]>(`${ALL}.map(${NAMED})`);
      expect(order.length).toBeGreaterThan(15);
      const visited: Focus[] = [];
      for (const _ of order) {
        await driven.press("Tab");
        visited.push(await focus(driven));
      }
      expect(visited.map(({ name }) => name)).toEqual(order);
      for (const { name, box, outline } of visited) {
        expect(outline, name).toBeGreaterThanOrEqual(2);
        // Something of it is on the screen.
        expect(Math.min(box.bottom, WIDE.height) - Math.max(box.top, 0), name).toBeGreaterThan(8);
        expect(Math.min(box.right, WIDE.width) - Math.max(box.left, 0), name).toBeGreaterThan(8);
      }
      // As one reads: below what came before, or right of it.
      for (const [i, { name, box, y }] of visited.slice(1).entries()) {
        const before = visited[i]!;
        expect(y > before.y || box.left > before.box.left, name).toBe(true);
      }
      await driven.press("Tab", true);
      expect((await focus(driven)).name).toBe(order.at(-2));
    }),
  120_000,
);

/** Tabs until the focus is on what a condition on `one` says. */
async function tabTo(driven: DrivenPage, condition: string): Promise<void> {
  for (let presses = 0; presses < 100; presses++) {
    await driven.press("Tab");
    if (await driven.read<boolean>(`((one) => ${condition})(document.activeElement)`)) return;
  }
  throw new Error(`nothing that has the focus is ${condition}`);
}

test.skipIf(CHROMIUM === undefined)(
  "links lead to their sections, and the next key goes on there",
  () =>
    drivePage(page, WIDE, async (driven) => {
      const links = await driven.read<string[]>(`[...document.querySelectorAll("nav a")].map((one) => one.hash)`);
      for (const hash of links) {
        await driven.read(`(scrollTo(0, 0), document.activeElement.blur(), location.hash = "")`);
        await driven.read(`document.querySelector('nav a[href="${hash}"]').focus()`);
        await driven.press("Enter");
        expect(await driven.read("location.hash")).toBe(hash);
        const { top, atEnd } = await driven.read<{ top: number; atEnd: boolean }>(`({
          top: document.querySelector("${hash}").getBoundingClientRect().top,
          atEnd: scrollY + innerHeight >= document.documentElement.scrollHeight - 1,
        })`);
        expect(atEnd ? top < WIDE.height : Math.abs(top) < 60, hash).toBe(true);
        const inside = `document.querySelector("${hash}")`;
        if (!(await driven.read<boolean>(`${ALL}.some((one) => ${inside}.contains(one))`))) continue;
        await driven.press("Tab");
        expect(await driven.read(`${inside}.contains(document.activeElement)`), hash).toBe(true);
      }
    }),
  120_000,
);

test.skipIf(CHROMIUM === undefined)(
  "Enter and Space open and close what is folded, and what opens has its place in the order",
  () =>
    drivePage(page, WIDE, async (driven) => {
      const isOpen = () => driven.read<boolean>("document.activeElement.parentElement.open");
      await tabTo(driven, `one.textContent === "Numbers"`);
      for (const key of ["Enter", " "] as const) {
        expect(await isOpen()).toBe(false);
        await driven.press(key);
        expect(await isOpen()).toBe(true);
        await driven.press("Tab");
        expect(await driven.read(`document.activeElement.closest("details")?.open`)).toBe(true);
        await driven.press("Tab", true);
        expect(await driven.read("document.activeElement.textContent")).toBe("Numbers");
        await driven.press(key);
      }
      expect(await isOpen()).toBe(false);
      await driven.press("Tab");
      expect(
        await driven.read(`document.activeElement.closest("details")?.querySelector("summary").textContent`),
      ).not.toBe("Numbers");
    }),
  120_000,
);

test.skipIf(CHROMIUM === undefined)(
  "on a narrow screen tables are moved by keys, and nothing else goes sideways",
  () =>
    drivePage(page, { width: 380, height: 700 }, async (driven) => {
      expect(await driven.read("document.documentElement.scrollWidth")).toBeLessThanOrEqual(380);
      await tabTo(driven, `one.getAttribute("aria-label") === "shapes"`);
      const { left, room } = await driven.read<{ left: number; room: number }>(
        "({ left: document.activeElement.scrollLeft, room: document.activeElement.scrollWidth - document.activeElement.clientWidth })",
      );
      expect([left, room > 0]).toEqual([0, true]);
      for (let i = 0; i < 5; i++) await driven.press("ArrowRight");
      expect(await driven.read("document.activeElement.scrollLeft")).toBeGreaterThan(0);
    }),
  120_000,
);
