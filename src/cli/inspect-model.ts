/** @file What was found out about a model, for people. */

import { IllustriousError } from "../base/error.ts";
import type { ModelHashes } from "../formats/hash.ts";
import type { Inspection } from "../models/sdxl/inspect.ts";
import { type Detection, type Evidence, isZeroSnrUnknown } from "../models/sdxl/prediction.ts";
import { isMark, WEIGHT } from "../models/sdxl/prediction-evidence.ts";
import { noiseModelOf } from "../pipeline/noise-model.ts";
import { counted, fileSize } from "./quantities.ts";
import { listed, type Section, tableLines } from "./text-sections.ts";

type Tally = Inspection["dtypes"][number];

/** How many keys of a kind, or files, are shown unless all are asked for. */
const FEW = 8;

/** @param full every key, and metadata in full */
export function modelSections(
  inspection: Inspection,
  hashes: ReadonlyMap<string, ModelHashes>,
  full: boolean,
): Section[] {
  const { path, name, files, keys, parameters, problems } = inspection;
  const few = full ? Number.POSITIVE_INFINITY : FEW;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const count = files.length === 1 ? "" : ` in ${files.length} files`;
  return [
    {
      title: path,
      lines: [
        name,
        `${fileSize(bytes)}${count}, ${keys.toLocaleString("en-US")} tensors, ${parameterCount(parameters)} parameters`,
      ],
    },
    { title: "Problems", lines: problems },
    ...predictionSections(inspection),
    { title: "Parts", lines: tallies(inspection.components) },
    { title: "Number types", lines: tallies(inspection.dtypes) },
    { title: "LoRA", lines: loraLines(inspection) },
    { title: "Trained at", lines: inspection.resolutions.map(({ source, says }) => `${says}  (${source})`) },
    ...keySections(inspection, few),
    { title: "Metadata", lines: metadataLines(inspection.metadata, full) },
    { title: "Hashes", lines: hashLines(hashes, inspection.kind) },
  ];
}

/** Such as `4.81 M` or `3.47 billion`. */
function parameterCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toPrecision(3)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toPrecision(3)} million`;
  return count.toLocaleString("en-US");
}

function tallies(rows: readonly Tally[]): string[] {
  return tableLines(
    rows.map(({ name, tensors, parameters, bytes }) => [
      name,
      tensors,
      "tensors",
      parameterCount(parameters),
      fileSize(bytes),
    ]),
  );
}

function predictionSections({ prediction: found, kind }: Inspection): Section[] {
  if (!found) return [];
  const isDefault = found.evidence.every(({ claim, weight }) => !claim.prediction || weight === WEIGHT.family);
  // Of the model that it was made for, which most say nothing of.
  if (isDefault && kind === "lora") return [];
  const zero = found.zeroSnr ? ", zero terminal SNR" : "";
  return [
    {
      title: `Predicts ${found.prediction}${zero} (${isDefault ? "nothing in the file says" : CONFIDENCE[found.confidence]})`,
      lines: evidenceLines(found),
    },
    { title: "Conflicts", lines: found.conflicts },
    { title: "Noise levels", lines: levelLines(found) },
  ];
}

/** Of a schedule that is not the usual one. */
function levelLines(found: Detection): string[] {
  try {
    const { family, sigmas, shift, isListed } = noiseModelOf(found, { zeroSnr: "auto", rounding: "interpolate" }).table;
    if (found.schedule === undefined || (shift === 1 && !isListed)) return [];
    const usual = family === "flow" ? "a flow's" : "SDXL's";
    const own = found.schedule.trainedBetas ? "a list of its own (trained_betas)" : "a curve of its own";
    const whose = isListed ? own : `${usual} times ${Number(shift.toPrecision(4))}`;
    const finite = sigmas.filter(Number.isFinite);
    const [least, most] = [finite[0]!, finite.at(-1)!].map((sigma) => Number(sigma.toPrecision(3)));
    return [`${whose}: sigma ${least} to ${most}${finite.length < sigmas.length ? ", and Infinity" : ""}`];
  } catch (error) {
    if (error instanceof IllustriousError) return [error.message];
    throw error;
  }
}

/** What lost is marked as such; what holds for want of anything else is shown only where there was nothing else. */
function evidenceLines(found: Detection): string[] {
  const { prediction, zeroSnr, evidence } = found;
  const isBeaten = ({ claim }: Evidence) =>
    (claim.prediction !== undefined && claim.prediction !== prediction) ||
    (claim.zeroSnr !== undefined && claim.zeroSnr !== zeroSnr);
  const shown = evidence.length === 1 ? evidence : evidence.filter(({ weight }) => weight > WEIGHT.family);
  const lines = shown.map((one) => `${one.says}  — ${one.source}${isBeaten(one) ? " (overruled)" : ""}`);
  return isZeroSnrUnknown(found) ? [...lines, ZERO_SNR_UNKNOWN] : lines;
}

const ZERO_SNR_UNKNOWN = "zero terminal SNR: nothing says; if pictures come out grey, try generate --zero-snr exact";

const CONFIDENCE = { certain: "certain", likely: "likely", guess: "a guess: state it with --prediction" } as const;

function loraLines({ lora }: Inspection): string[] {
  if (!lora) return [];
  const { modules, ranks, alpha, networkModule, trainedOn, unsupported } = lora;
  return [
    `changes ${counted(modules, "layer")}`,
    ...(ranks.length > 0 ? [`rank ${ranks.join(", ")}`] : []),
    ...(alpha === undefined ? [] : [`alpha ${alpha}`]),
    ...(networkModule === undefined ? [] : [`made with ${networkModule}`]),
    ...(trainedOn === undefined ? [] : [`trained on ${trainedOn}`]),
    ...(unsupported === undefined ? [] : [`cannot be applied: it has ${unsupported}`]),
  ];
}

function keySections({ report }: Inspection, few: number): Section[] {
  if (!report) return [];
  const section = (title: string, keys: readonly string[]): Section => ({
    title: `${title} (${keys.length.toLocaleString("en-US")})`,
    lines: listed(keys, few),
  });
  return [
    section("Missing tensors", report.missing),
    section("Unknown tensors", report.unknown),
    // Marks are of use: they are the evidence of what it predicts.
    section(
      "Tensors of no use",
      report.ignored.filter((key) => !isMark(key)),
    ),
  ];
}

/** Tag counts of a training set can be megabytes. */
const VALUE = 200;

function metadataLines(metadata: Inspection["metadata"], full: boolean): string[] {
  return Object.entries(metadata).map(([key, value]) => {
    if (full || value.length <= VALUE) return `${key}: ${value}`;
    return `${key}: ${value.slice(0, VALUE)}… (${value.length.toLocaleString("en-US")} characters)`;
  });
}

function hashLines(hashes: ReadonlyMap<string, ModelHashes>, kind: Inspection["kind"]): string[] {
  return [...hashes].flatMap(([path, { sha256, modelHash, tensorsSha256, addnetHash }]) => [
    ...(hashes.size > 1 ? [path] : []),
    `sha256            ${sha256}`,
    `model hash        ${modelHash}  (AutoV2)`,
    ...(tensorsSha256 === undefined ? [] : [`tensors' sha256   ${tensorsSha256}`]),
    ...(addnetHash === undefined || kind !== "lora" ? [] : [`LoRA hash         ${addnetHash}`]),
  ]);
}
