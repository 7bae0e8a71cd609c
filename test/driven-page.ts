/** @file A page in a real browser, driven by keys as somebody without a mouse does. DevTools' protocol over two pipes, which needs no package. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { CHROMIUM } from "./chromium.ts";

/** Keys by their DOM names, with Windows' numbers, by which the browser knows them, and what they type. */
const KEYS = {
  Tab: [9, ""],
  Enter: [13, "\r"],
  " ": [32, " "],
  ArrowRight: [39, ""],
} as const;

export type DrivenPage = {
  press(key: keyof typeof KEYS, shift?: boolean): Promise<void>;
  /** The value of an expression in the page, as JSON has it. */
  read<T>(expression: string): Promise<T>;
};

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
};

/** Opens a page in a window of a size, and closes the browser when the work is done. */
export async function drivePage(
  path: string,
  { width, height }: { readonly width: number; readonly height: number },
  work: (page: DrivenPage) => Promise<void>,
): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  const child = spawn(CHROMIUM!, [...flags, `--user-data-dir=${profile}`, "--remote-debugging-pipe", "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  try {
    const send = connection(child.stdio[3] as Writable, child.stdio[4] as Readable);
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const call = (method: string, params: object = {}) => send(method, params, sessionId as string);
    const read = async <T>(expression: string): Promise<T> => {
      const { result } = await call("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
      return (result as { readonly value: T }).value;
    };
    await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    // As if the window had the focus, which a window that nobody sees has not.
    await call("Emulation.setFocusEmulationEnabled", { enabled: true });
    await call("Page.navigate", { url: pathToFileURL(path).href });
    const isLoaded = `document.readyState === "complete" && location.protocol === "file:"`;
    while (!(await read<boolean>(isLoaded))) await new Promise((resolve) => setTimeout(resolve, 20));
    await work({
      read,
      async press(key, shift = false) {
        const [windowsVirtualKeyCode, text] = KEYS[key];
        const code = key === " " ? "Space" : key;
        const given = { key, code, windowsVirtualKeyCode, modifiers: shift ? 8 : 0 };
        await call("Input.dispatchKeyEvent", { type: text === "" ? "rawKeyDown" : "keyDown", ...given, text });
        await call("Input.dispatchKeyEvent", { type: "keyUp", ...given });
        // Until what the key has set going has been drawn.
        await read("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
      },
    });
  } finally {
    child.kill();
    await closed;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A message is JSON with a zero byte behind it. */
function connection(to: Writable, from: Readable) {
  const waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  let count = 0;
  let held = Buffer.alloc(0);
  from.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    for (let end = held.indexOf(0); end !== -1; end = held.indexOf(0)) {
      const { id, result, error } = JSON.parse(held.subarray(0, end).toString("utf8")) as Message;
      held = held.subarray(end + 1);
      const asked = waiting.get(id ?? 0);
      waiting.delete(id ?? 0);
      if (error) asked?.reject(new Error(error.message));
      else asked?.resolve(result ?? {});
    }
  });
  from.once("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser has ended"));
  });
  return (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject });
      to.write(`${JSON.stringify({ id: count, method, params, ...(sessionId && { sessionId }) })}\0`);
    });
}
