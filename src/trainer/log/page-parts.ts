/** @file What does not change about a run's page: its style, and the script that looks for news. */

import { createHash } from "node:crypto";
import { CHART_STYLE } from "../plot/palette.ts";

export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1d1d22;--faint:#5b5b66;--line:#d9d9e0;--box:#f6f6f8;--good:#00694d;--bad:#a50026;--warn:#8a5a00}
@media (prefers-color-scheme:dark){:root{--paper:#17171c;--ink:#e8e8ee;--faint:#a3a3b0;--line:#3a3a44;--box:#202027;--good:#2fc79b;--bad:#ff7f7f;--warn:#f0c64a}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1340px;margin:auto;padding:20px}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}
#status{font-weight:600}.running,.finished{color:var(--good)}.stopped{color:var(--warn)}.failed,.crashed{color:var(--bad)}
progress{width:100%;height:8px;accent-color:var(--good)}
dl{display:flex;flex-wrap:wrap;gap:4px 28px;margin:10px 0}dt{color:var(--faint);font-size:12px}dd{margin:0;font-variant-numeric:tabular-nums;font-size:17px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:18px}
figure{margin:0}.charts svg{display:block;width:100%;height:auto}.charts figcaption svg{display:inline;width:28px}
figcaption{font-size:12.5px;color:var(--faint);display:flex;flex-wrap:wrap;gap:2px 14px}
.strip{display:flex;gap:8px;overflow-x:auto;padding-bottom:8px}.strip img{display:block;width:auto;height:168px;background:var(--box);outline:1px solid var(--line);outline-offset:-1px}
.prompt{margin:14px 0 6px;color:var(--faint);unicode-bidi:isolate;overflow-wrap:anywhere;max-height:6em;overflow-y:auto}
.finding{border-left:3px solid var(--warn);background:var(--box);padding:6px 12px;margin:6px 0;overflow-wrap:anywhere}.refusal{border-color:var(--bad)}
pre{background:var(--box);padding:12px;overflow-x:auto;unicode-bidi:isolate;font-size:13px}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{padding:2px 12px 2px 0;text-align:right;border-bottom:1px solid var(--line)}
summary{cursor:pointer}a{color:inherit}
${CHART_STYLE}`;

/**
 * Loads the page anew while the run lives and the reader looks at it, and puts everything back where it was. A dead
 * process cannot say that it is dead, so the page measures how old it is.
 */
export const PAGE_SCRIPT = `
(() => {
  const page = document.documentElement.dataset;
  const key = "place of " + location.pathname;
  const all = (what) => [...document.querySelectorAll(what)];
  try {
    const kept = JSON.parse(sessionStorage.getItem(key));
    all(".strip").forEach((strip, i) => { strip.scrollLeft = kept?.strips[i] ?? strip.scrollWidth; });
    all("details").forEach((part, i) => { part.open = kept?.open[i] ?? part.open; });
    if (kept) scrollTo(0, kept.top);
  } catch {}
  addEventListener("pagehide", () => {
    const strips = all(".strip").map((strip) => strip.scrollLeft + strip.clientWidth >= strip.scrollWidth - 2 ? null : strip.scrollLeft);
    try {
      sessionStorage.setItem(key, JSON.stringify({ top: scrollY, strips, open: all("details").map((part) => part.open) }));
    } catch {}
  });
  if (page.state !== "running") return;
  const status = document.getElementById("status");
  const look = () => {
    const seconds = (Date.now() - Number(page.updated)) / 1000;
    if (seconds < Number(page.quiet)) return;
    const minutes = Math.round(seconds / 60);
    const time = minutes < 120 ? minutes + " minutes" : minutes < 2880 ? Math.round(minutes / 60) + " hours" : Math.round(minutes / 1440) + " days";
    status.textContent = "crashed? No news for " + time;
    status.className = "crashed";
  };
  look();
  setInterval(look, 5000);
  setInterval(() => { if (!document.hidden && !String(getSelection())) location.reload(); }, 1000 * Number(page.every));
})();
`;

/** Nothing but this script runs, and nothing is fetched, whatever a caption says. */
export const CONTENT_POLICY: string = [
  "default-src 'none'",
  "img-src data:",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash("sha256").update(PAGE_SCRIPT).digest("base64")}'`,
].join("; ");
