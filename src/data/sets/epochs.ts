/**
 * @file The batches of an epoch, and their order. Both follow from seed and epoch alone, so a run that stopped goes on from an epoch
 * and a place in it, with nothing else kept.
 */

import { IllustriousError } from "../../base/error.ts";
import { nameOf, type Size } from "./buckets.ts";
import { drawsOf } from "./draws.ts";
import type { Example, Moment } from "./examples.ts";
import type { DataItem } from "./items.ts";
import type { DataSet } from "./scan.ts";

/** Examples of one size, of one `[[datasets]]` and of one text class. */
export type Batch = {
  readonly dataset: number;
  readonly bucket: Size;
  readonly textClass: string | number;
  readonly examples: readonly Example[];
};

export type EpochOptions = Moment & {
  /** Keeps examples apart that cannot share a batch, such as those whose text takes different numbers of chunks. */
  readonly textClass?: (example: Example, moment: Moment) => string | number;
  /** The last examples of a bucket when they do not fill a batch: a smaller batch, as in sd-scripts, or left out this time. */
  readonly rest?: "keep" | "drop";
};

/**
 * All batches of an epoch. Within a bucket examples are shuffled, then cut into batches; then the batches of all buckets are.
 *
 * @throws IllustriousError `bad_option` when there would be none
 */
export function batchesOf({ items, config }: DataSet, options: EpochOptions): Batch[] {
  const { seed, epoch, textClass = () => 0, rest = "keep" } = options;
  const groups = new Map<string, Batch & { examples: Example[] }>();
  for (const example of examplesOf(items, config.datasets, options)) {
    const { dataset, bucket } = example.item;
    const kind = textClass(example, { seed, epoch });
    const name = `${dataset} ${nameOf(bucket)} ${kind}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { dataset, bucket, textClass: kind, examples: [example] });
    else group.examples.push(example);
  }
  const batches: Batch[] = [];
  for (const [name, group] of groups) {
    const size = config.datasets[group.dataset]!.batchSize;
    const shuffled = drawsOf(seed, "order", epoch, name).shuffled(group.examples);
    const end = rest === "keep" ? shuffled.length : shuffled.length - (shuffled.length % size);
    for (let at = 0; at < end; at += size)
      batches.push({ ...group, examples: shuffled.slice(at, Math.min(at + size, end)) });
  }
  if (batches.length > 0) return drawsOf(seed, "batches", epoch).shuffled(batches);
  const hint =
    items.length === 0 ? "See the scan's report for what was left out, and why." : "Make batch_size smaller.";
  throw new IllustriousError("bad_option", `an epoch without batches: ${items.length} images at their sizes`, hint);
}

export type Place = {
  readonly epoch: number;
  /** Index of the next batch in its epoch. */
  readonly index: number;
};

/** Batch after batch without end, from a place on. Each comes with the place that follows it, which is what a checkpoint keeps. */
export function* batchesFrom(
  set: DataSet,
  options: Omit<EpochOptions, "epoch">,
  from: Place = { epoch: 0, index: 0 },
): Generator<{ batch: Batch; place: Place; next: Place }, never> {
  for (let { epoch, index } = from; ; epoch++, index = 0) {
    const batches = batchesOf(set, { ...options, epoch });
    for (; index < batches.length; index++) {
      const last = index + 1 === batches.length;
      const next = last ? { epoch: epoch + 1, index: 0 } : { epoch, index: index + 1 };
      yield { batch: batches[index]!, place: { epoch, index }, next };
    }
  }
}

/** Each item as often as its image repeats; or each repeat at one of the image's sizes, drawn anew each epoch. */
function* examplesOf(
  items: readonly DataItem[],
  datasets: DataSet["config"]["datasets"],
  { seed, epoch }: Moment,
): Generator<Example> {
  for (let at = 0; at < items.length; ) {
    const { image, dataset } = items[at]!;
    let end = at + 1;
    while (end < items.length && items[end]!.image === image) end++;
    const sizes = items.slice(at, end);
    const one = datasets[dataset]!.resolutionChoice === "one" && sizes.length > 1;
    for (let repeat = 0; repeat < image.repeats; repeat++) {
      const chosen = one ? [drawsOf(seed, "area", image.key, epoch, repeat).pick(sizes)] : sizes;
      for (const item of chosen) yield { item, repeat };
    }
    at = end;
  }
}
