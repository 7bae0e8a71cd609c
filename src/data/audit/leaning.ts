/**
 * @file What a model trained on a set will lean to, in sentences. Each is a rule: a figure of the report, and the bound from which it is
 * worth a sentence. The bounds are this program's own, on round numbers; they are no measurement of models.
 */

import { HUE_SECTORS } from "../../colour/index.ts";
import type { AuditReport } from "./report.ts";

/** @returns a sentence with its number, or none where the set does not lean that way */
type Rule = (report: AuditReport) => string | undefined;

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** A sentence for a median below one bound or above another. */
function byMedian(
  read: (report: AuditReport) => { readonly quantiles: Readonly<Record<50, number>> } | undefined,
  low: readonly [below: number, words: (median: string) => string],
  high: readonly [above: number, words: (median: string) => string],
): Rule {
  return (report) => {
    const median = read(report)?.quantiles[50];
    if (median === undefined) return undefined;
    const told = String(Number(median.toPrecision(3)));
    if (median < low[0]) return low[1](told);
    return median > high[0] ? high[1](told) : undefined;
  };
}

/** A sentence for a share that is at least, or below, a bound. */
function byShare(
  countOf: (report: AuditReport) => number,
  of: (report: AuditReport) => number,
  is: (share: number) => boolean,
  words: (share: string, count: number) => string,
): Rule {
  return (report) => {
    const all = of(report);
    const count = countOf(report);
    const share = count / all;
    return all > 0 && is(share) ? words(percent(share), count) : undefined;
  };
}

const measured = ({ measured }: AuditReport) => measured;

const captioned = ({ captions }: AuditReport) => captions.with;

const RULES: readonly Rule[] = [
  byMedian(
    ({ measures }) => measures.saturation,
    [50, (m) => `Muted: half of the images have a mean saturation of at most ${m} of 255.`],
    [120, (m) => `Saturated: half of the images have a mean saturation of at least ${m} of 255.`],
  ),
  byShare(
    ({ marks }) => marks.colourful,
    measured,
    (share) => share >= 0.1,
    (share) => `${share} are colourful by the article's rule, with saturation that is high and even.`,
  ),
  byMedian(
    ({ measures }) => measures.brightness,
    [90, (m) => `Dark: the median of mean luma is ${m} of 255.`],
    [150, (m) => `Bright: the median of mean luma is ${m} of 255.`],
  ),
  byShare(
    ({ marks }) => marks.dark,
    measured,
    (share) => share < 0.05,
    (share, count) =>
      `Few dark images: ${count === 0 ? "none has" : `${share} have`} a mean luma below 64, so that night and black will come out too bright.`,
  ),
  byShare(
    ({ marks }) => marks.whiteGround,
    measured,
    (share) => share >= 0.1,
    (share) => `White grounds: in ${share} of the images a quarter or more is exactly white.`,
  ),
  byShare(
    ({ marks }) => marks.blackGround,
    measured,
    (share) => share >= 0.1,
    (share) => `Black grounds: in ${share} of the images a quarter or more is exactly black.`,
  ),
  byMedian(
    ({ measures }) => measures.contrast,
    [0.15, (m) => `Flat: the median contrast is ${m} of 0.5.`],
    [0.27, (m) => `Of strong contrast: its median is ${m} of 0.5.`],
  ),
  byMedian(
    ({ measures }) => measures.sharpness,
    [100, (m) => `Blurred: half of the images have a sharpness of at most ${m}.`],
    [2000, (m) => `Sharp or grainy: half of the images have a sharpness of at least ${m}.`],
  ),
  byMedian(
    ({ measures }) => measures.dynamicColours,
    [1.5, (m) => `Few hues an image: the median is ${m} of 6.`],
    [3, (m) => `Many hues an image: the median is ${m} of 6.`],
  ),
  ({ hues }) => {
    const shares = HUE_SECTORS.map((_, i) =>
      [-3, -2, -1, 0, 1, 2].reduce((sum, by) => sum + hues[(6 * i + by + 36) % 36]!, 0),
    );
    const most = Math.max(...shares);
    return most > 0.35
      ? `Hues around ${HUE_SECTORS[shares.indexOf(most)]} have ${percent(most)} of all chroma.`
      : undefined;
  },
  ({ vividGrid }) => {
    const around = [0, 1, 2, 3, 5, 6, 7, 8].reduce((sum, cell) => sum + vividGrid[cell]!, 0) / 8;
    const middle = vividGrid[4]!;
    if (middle < 0.02 || middle < 1.5 * around) return undefined;
    return `Vivid colours sit in the middle: ${percent(middle)} of its pixels are vivid, and ${percent(around)} of those around it.`;
  },
  byShare(
    ({ orientations }) => orientations.portrait,
    measured,
    (share) => share >= 0.6,
    (share) => `Mostly portrait: ${share} of the images are higher than wide by a tenth and more.`,
  ),
  byShare(
    ({ orientations }) => orientations.landscape,
    measured,
    (share) => share >= 0.6,
    (share) => `Mostly landscape: ${share} of the images are wider than high by a tenth and more.`,
  ),
  byShare(
    ({ orientations }) => orientations.square,
    measured,
    (share) => share >= 0.6,
    (share) => `Mostly square: the sides of ${share} of the images differ by less than a tenth.`,
  ),
  byShare(
    ({ coverage }) => coverage.find(({ side }) => side === 1024)!.images,
    measured,
    (share) => share < 0.5,
    (share, count) =>
      count === 0
        ? "Small: no image has the pixels of 1024 x 1024; all are enlarged there, and teach blur."
        : `Small: only ${share} have the pixels of 1024 x 1024; the others are enlarged there, and teach blur.`,
  ),
  byShare(
    ({ captions, images }) => images - captions.with,
    ({ images }) => images,
    (share) => share >= 0.05,
    (share) => `${share} have no caption: what they show is learnt for every prompt.`,
  ),
  byMedian(
    ({ captions }) => captions.tokens,
    [20, (m) => `Short captions: their median is ${m} tokens, so that long prompts are strange to the model.`],
    [75, (m) => `Long captions: their median is ${m} tokens, more than one chunk of 75 takes.`],
  ),
  byShare(
    ({ captions }) => captions.tags[0]?.images ?? 0,
    captioned,
    (share) => share >= 0.5,
    (share) =>
      `One tag is nearly always there: the most frequent one is in ${share} of the captions, and is drawn without being asked for.`,
  ),
  byShare(
    ({ nearDuplicates }) => nearDuplicates.images - nearDuplicates.groups,
    ({ images }) => images,
    (share) => share >= 0.02,
    (share) => `${share} are near-duplicates of another image, which a model may come to know by heart.`,
  ),
  byShare(
    ({ images, measured }) => images - measured,
    ({ images }) => images,
    (share) => share >= 0.01,
    (share) => `${share} cannot be read and teach nothing.`,
  ),
];

/** In the order of the rules; none for a set that leans to nothing by them. */
export function leaningOf(report: AuditReport): string[] {
  return RULES.flatMap((rule) => rule(report) ?? []);
}
