/**
 * @file Writes an evaluation's figures into the pages that tell them: docs/nano-models.md, docs/v-prediction-flaw.md and the models'
 * cards. Only tables change, and of models that were not evaluated nothing; what is said about them is for whoever reads the new ones. Needs
 * `npm run build`.
 *
 *     illustrious evaluate nano-v3.0-eps nano-v3.0-vpred nano-v3.5-vpred --json result.json
 *     node scripts/nano-pages.mjs result.json
 */

import { readFile, writeFile } from "node:fs/promises";
import { evaluationMarkdown } from "../dist/index.js";

const [EPS, SPECIMEN, SOUND] = ["nano-v3.0-eps", "nano-v3.0-vpred", "nano-v3.5-vpred"];
const evaluation = JSON.parse(await readFile(process.argv[2], "utf8"));
const isJudged = (model) => evaluation.models.some(({ name }) => name === model);

const figure = (model, row, name) => {
  const rows = evaluation.models.find((one) => one.name === model)?.rows;
  const found = rows?.find((one) => one.row === row)?.figures.find((one) => one.name === name);
  if (!found) throw new Error(`${process.argv[2]} has no ${row}, ${name} of ${model}`);
  return found;
};
const percent = (share) => Math.round(100 * share);
const share = (...where) => {
  const { right, of, low, high } = figure(...where);
  return `${right} of ${of}, ${percent(right / of)} % (${percent(low)}–${percent(high)})`;
};
const number = (model, row, name, decimals = 1) => figure(model, row, name).value.toFixed(decimals);
const luma = (model, which) => number(model, "empty", `empty ${which}: mean luma error`);
const over = (model) => number(model, "saturation", "mean saturation over the data's", 2);
const white = (model) => `${number(model, "saturation", "exactly white pixels")} %`;

/** Fills the line of a table that begins with `label`; a cell that is undefined stays as it is. */
function filled(text, label, ...cells) {
  const at = text.indexOf(`| ${label} |`);
  if (at < 0) throw new Error(`no line "${label}"`);
  const end = text.indexOf("\n", at);
  const before = text.slice(at + `| ${label} |`.length, end).split("|");
  const line = cells.map((cell, i) => cell ?? before[i].trim()).join(" | ");
  return `${text.slice(0, at)}| ${label} | ${line} |${text.slice(end)}`;
}

/** Written when all are made: a page that lacks a line leaves the others as they are. */
const pages = new Map();

async function change(path, edit) {
  const url = new URL(`../${path}`, import.meta.url);
  pages.set(url, edit(await readFile(url, "utf8")));
}

/** The older table with the newer one's columns, line by line. */
function columnsOf(newer, older) {
  const cellsOf = (table) => table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const [from, to] = [cellsOf(newer), cellsOf(older)];
  const named = from[0].flatMap((name, i) => (name.startsWith("nano-") ? [[i, to[0].indexOf(name)]] : []));
  const lines = to.map((line, row) => {
    if (row !== 1 && (from[row]?.[1] !== line[1] || from[row]?.[2] !== line[2]))
      throw new Error(`no line "${line[2]}"`);
    return line.map((cell, i) => from[row][named.find(([, at]) => at === i)?.[0]] ?? cell).slice(1, -1);
  });
  return lines.map((line, row) => (row === 1 ? `|${line.join("|")}|` : `| ${line.join(" | ")} |`)).join("\n");
}

await change("docs/nano-models.md", (text) => {
  const markdown = evaluationMarkdown(evaluation);
  const start = markdown.indexOf("| row |");
  // The control rows in short; the matrices are what the command prints.
  const table = markdown
    .slice(start, markdown.indexOf("\n\n", start))
    .replaceAll(": own measure (the other that moves most)", "")
    .replaceAll(/: no, (?:another moves more|does not rise)/g, "")
    .replaceAll(": yes", ", right");
  const at = text.indexOf("| row |");
  const end = text.indexOf("\n\n", at);
  return text.slice(0, at) + columnsOf(table, text.slice(at, end)) + text.slice(end);
});

await change("docs/v-prediction-flaw.md", (text) => {
  const both = (label, of) => {
    text = filled(text, label, ...[SPECIMEN, SOUND].map((model) => (isJudged(model) ? of(model) : undefined)));
  };
  both("`empty black background`: mean luma error, of 255", (model) => luma(model, "black"));
  both("`empty white background`: mean luma error, of 255", (model) => luma(model, "white"));
  both("hair right, eleven short prompts", (model) => share(model, "simple", "all 11 prompts"));
  both("hair and eyes right", (model) => share(model, "simple", "hair and eyes right"));
  both("hair right, eleven prompts of 300 tokens", (model) => share(model, "long", "all 11 prompts"));
  both("hair right at 256 pixels", (model) => share(model, "sizes", "256 px"));
  both("saturation over the data's", over);
  both("exactly white pixels", white);
  both("steps of 28 whose guess has a latent above 1.5 times the finished picture's largest", (model) =>
    number(model, "saturation", "steps whose largest latent is above 1.5 × the final"),
  );
  both("brightness, `dark` to `very bright`: mean luma", (model) => {
    const { cells } = evaluation.models.find(({ name }) => name === model).rows.find(({ row }) => row === "control");
    const mean = (token) => Math.round(cells.find(({ name }) => name === token).means.brightness);
    return `${mean("dark")} to ${mean("very bright")}`;
  });
  return text;
});

for (const model of [EPS, SPECIMEN, SOUND].filter(isJudged)) {
  await change(`models/${model}/README.md`, (text) => {
    const sides = [64, 96, 128, 192, 256].map((side) => figure(model, "sizes", `${side} px`));
    const families = figure(model, "control", "families that rise and move most");
    const cells = {
      "hair right, left and right: the Illustrious 3.0 article's simple prompt": share(
        model,
        "simple",
        "the article's prompt",
      ),
      "the same, all eleven prompts": share(model, "simple", "all 11 prompts"),
      "both girls there, by the scorer": share(model, "simple", "both girls there"),
      "hair and eyes right": share(model, "simple", "hair and eyes right"),
      "hair right, eleven prompts of 300 tokens and more": share(model, "long", "all 11 prompts"),
      "`empty black background`, `empty white background`: mean luma error, of 255": `${luma(model, "black")}, ${luma(model, "white")}`,
      "saturation over the data's, at guidance 7.5": over(model),
      "control-token families that work as they should": `${families.right} of ${families.of}`,
      "hair right at 64, 96, 128, 192, 256 pixels": `${sides.map(({ right }) => right).join(", ")} of ${sides[0].of}`,
    };
    return Object.entries(cells).reduce((all, [label, cell]) => filled(all, label, cell), text);
  });
}

for (const [url, text] of pages) await writeFile(url, text);
