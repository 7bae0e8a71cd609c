/** @file Colours of charts, light and dark. As classes, for the renderer that makes PNGs knows no CSS variables. */

/** Okabe and Ito's colours, which the colour-blind can tell apart, without the yellow that vanishes on white. */
const SERIES_LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8f6b00", "#444444", "#a50026"];
const SERIES_DARK = ["#56b4e9", "#ff9e4a", "#2fc79b", "#e6a1c8", "#9ad0f5", "#f0c64a", "#c8c8c8", "#ff7f7f"];

export const SERIES: number = SERIES_LIGHT.length;

/** Dashes too, so that a curve is found again in a print without colours. */
const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "none", "7 3", "2 3", "9 3 2 3"];

/** A ramp from the least noise to the most, of equal steps in lightness. */
const RAMP_LIGHT = [
  "#c9a227",
  "#9aab3a",
  "#6aad58",
  "#3fa97a",
  "#259f93",
  "#2390a3",
  "#357dab",
  "#4a66a8",
  "#5a4d9b",
  "#603380",
];
const RAMP_DARK = [
  "#f6dc6f",
  "#c8de74",
  "#98da86",
  "#6cd3a0",
  "#53c8b8",
  "#55b9cb",
  "#6ba6d6",
  "#8592da",
  "#9c80d6",
  "#b370cb",
];

export const RAMP: number = RAMP_LIGHT.length;

function rules(series: readonly string[], ramp: readonly string[], ink: string, faint: string, paper: string): string {
  return [
    `.paper{fill:${paper}}text{fill:${ink}}.faint{fill:${faint}}`,
    `.grid{stroke:${ink};stroke-opacity:.14}.edge{stroke:${ink};stroke-opacity:.55;fill:none}.zone{fill:${ink};fill-opacity:.06}`,
    ...series.map((colour, i) => `.s${i}{stroke:${colour}}.f${i}{fill:${colour}}`),
    ...ramp.map((colour, i) => `.r${i}{stroke:${colour}}.q${i}{fill:${colour}}`),
  ].join("");
}

/** The style sheet of a chart. Light unless the reader prefers dark. */
export const CHART_STYLE: string = [
  "text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:12px}.small{font-size:11px}.name{font-size:13px;font-weight:600}",
  ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.thin{stroke-width:1;stroke-opacity:.35}",
  rules(SERIES_LIGHT, RAMP_LIGHT, "#1d1d22", "#5b5b66", "#ffffff"),
  DASHES.map((dash, i) => `.d${i}{stroke-dasharray:${dash}}`).join(""),
  `@media (prefers-color-scheme:dark){${rules(SERIES_DARK, RAMP_DARK, "#e8e8ee", "#a3a3b0", "#17171c")}}`,
].join("\n");
