/** @file What a file's metadata says of the sizes that its model was trained at. */

export type ResolutionHint = {
  readonly source: string;
  /** As written there, such as `1024x1024`, or the range of sizes. */
  readonly says: string;
};

export function resolutionHints(metadata: ReadonlyMap<string, string>): ResolutionHint[] {
  const hints: ResolutionHint[] = [];
  for (const key of ["modelspec.resolution", "ss_resolution", "ss_min_bucket_reso", "ss_max_bucket_reso"]) {
    const says = metadata.get(key);
    if (says && says !== "None") hints.push({ source: key, says });
  }
  const direct = bucketSizes(metadata.get("ss_bucket_info"));
  const sizes = direct.length > 0 ? direct : bucketSizes(metadata.get("ss_datasets"));
  if (sizes.length > 0) {
    const areas = sizes.map(([width, height]) => ({ text: `${width}x${height}`, area: width * height }));
    areas.sort((a, b) => a.area - b.area);
    const source = direct.length > 0 ? "ss_bucket_info" : "ss_datasets";
    const says =
      areas.length === 1 ? areas[0]!.text : `${areas.length} sizes, ${areas[0]!.text} to ${areas.at(-1)!.text}`;
    hints.push({ source, says });
  }
  return hints;
}

/** kohya keeps JSON with `"resolution": [width, height]` somewhere inside, in a form that changed over time. */
function bucketSizes(text: string | undefined): [number, number][] {
  const found = new Map<string, [number, number]>();
  for (const match of (text ?? "").matchAll(/"resolution"\s*:\s*[[(]\s*(\d{1,6})\s*,\s*(\d{1,6})\s*[\])]/g))
    found.set(match[0], [Number(match[1]), Number(match[2])]);
  return [...found.values()];
}
