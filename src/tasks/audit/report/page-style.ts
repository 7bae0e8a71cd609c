/** @file The style of a report's page, and the policy that keeps everything else out: no script, no address, no style but this one. */

import { createHash } from "node:crypto";

const DARK =
  "--paper:#17171c;--ink:#e8e8ee;--faint:#a3a3b0;--line:#3a3a44;--box:#202027;--bar:#56b4e9;--cut:#f0c64a;--rule:#ff8f8f";

export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1d1d22;--faint:#5b5b66;--line:#d9d9e0;--box:#f6f6f8;--bar:#0072b2;--cut:#8f6b00;--rule:#b3261e}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}html{scroll-padding-top:8px}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:auto;padding:20px 20px 60px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:19px;margin:44px 0 10px;padding-top:14px;border-top:1px solid var(--line)}h3{font-size:15px;margin:22px 0 6px}
p{max-width:75ch;margin:8px 0}a{color:inherit}bdi,code{overflow-wrap:anywhere}.faint{color:var(--faint);font-size:13px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;padding:0;margin:14px 0;list-style:none}
:focus-visible{outline:3px solid var(--bar);outline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:14px 0}
.tiles div{background:var(--box);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
dt{color:var(--faint);font-size:12.5px;line-height:1.3}dd{margin:0;font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}dd small{font-size:13px;font-weight:400;color:var(--faint)}
.lean{background:var(--box);border-left:4px solid var(--bar);padding:12px 18px;border-radius:0 8px 8px 0;max-width:none}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:28px 32px}
figure{margin:0;break-inside:avoid}figcaption{font-size:13px;color:var(--faint)}figcaption b{color:var(--ink);font-size:14px}
svg{display:block;width:100%;height:auto}text{fill:var(--ink);font:11px system-ui,sans-serif}
.b{fill:var(--bar)}.faintbar{fill:var(--bar);fill-opacity:.35}.axis{stroke:var(--faint)}.tick{fill:var(--faint)}.grid{stroke:var(--line)}
.cut{stroke:var(--cut);stroke-dasharray:4 3}.cuttext{fill:var(--cut)}.rule{stroke:var(--rule)}.ruletext{fill:var(--rule)}.box{stroke:var(--ink);fill:var(--paper)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:3px 12px 3px 0;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}th:first-child,td.text{text-align:left}td.text{overflow-wrap:anywhere}th{font-weight:500;color:var(--faint)}
td.bar{width:120px;min-width:70px;vertical-align:middle}td.bar svg{height:9px}
.heat td{text-align:center;padding:5px 7px;min-width:46px;border:1px solid var(--paper)}
${Array.from({ length: 9 }, (_, i) => `.h${i}{background:color-mix(in srgb,var(--bar) ${i * 8}%,var(--paper))}`).join("")}
.grids{display:grid;grid-template-columns:minmax(0,2fr) minmax(170px,1fr);gap:28px;align-items:start}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:10px}
.strip figure{background:var(--box);border-radius:6px;padding:6px;font-size:12px;min-width:0}
.strip img,.gone{display:block;width:100%;height:120px;object-fit:contain;outline:1px solid var(--line)}.gone{border:1px dashed var(--faint);border-radius:4px;padding:8px;color:var(--faint);overflow:hidden;overflow-wrap:anywhere}
.strip figcaption{font-size:11.5px;line-height:1.35;margin-top:4px;max-height:4.2em;overflow:hidden}.strip b{font-size:12.5px}
@media(max-width:640px){.strip{grid-template-columns:1fr 1fr}.grids{grid-template-columns:1fr}main{padding:14px}}
details{margin:10px 0}summary{cursor:pointer;width:fit-content}
@media print{body{font-size:11px}main{max-width:none;padding:0}nav{display:none}h2{break-after:avoid}details::details-content{content-visibility:visible;block-size:auto}.scroll{overflow:visible}.b,.faintbar,[class^=h]{print-color-adjust:exact}}
`;

/** Whatever a caption says, nothing runs, nothing is fetched, and nothing leaves the page. */
export const CONTENT_POLICY: string = [
  "default-src 'none'",
  "img-src data:",
  `style-src 'sha256-${createHash("sha256").update(PAGE_STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
