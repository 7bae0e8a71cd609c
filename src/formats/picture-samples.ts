/**
 * @file Kinds of sample that no picture is made of: a file does not say which of a floating-point number's values is black and which is
 * white, and the decoder's guess would pass for a measure. TIFF alone has them. The names are libvips's.
 */

const KINDS: Readonly<Record<string, string>> = {
  ...{ float: "floating-point", double: "floating-point", complex: "complex", dpcomplex: "complex" },
  ...{ char: "signed 8-bit", short: "signed 16-bit", int: "signed 32-bit", uint: "32-bit" },
};

/** Why a picture's samples are not read; undefined of those that are. 16-bit CIELAB is signed, and says what its numbers mean. */
export function samplesNotRead(header: { readonly depth: string; readonly space: string }): string | undefined {
  const { depth, space } = header;
  if (depth === "uchar" || depth === "ushort" || (depth === "short" && space === "labs")) return undefined;
  return `${KINDS[depth] ?? "other"} samples (${depth}), whose black and white are not agreed; save it with 8 or 16 bits`;
}

/** The same of a header that the decoder refuses, by its words, which say nothing to people. */
export function samplesRefused(words: string): string | undefined {
  if (words.includes("bad labq format")) return "8-bit CIELAB, which is not read; save it as RGB";
  // Of the damaged ones also those without any.
  if (!words.includes("tiff2vips: samples out of range")) return undefined;
  return "samples of more than 32 bits (double, complex), which are not read; save it with 8 or 16 bits";
}
