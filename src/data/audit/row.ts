/** @file What an audit keeps of an image: the columns of its table. */

import type { ColourMeasures } from "../../colour/index.ts";
import type { ParquetColumn, ParquetRow, ParquetType, ParquetValue } from "../../formats/parquet.ts";
import type { PictureFormat } from "../../formats/picture-kind.ts";

/** Bytes that an image may have. */
export const MAX_IMAGE = 256 * 2 ** 20;

/** Why an image has no measures. */
export type AuditFault =
  /** No file of that name. */
  | "missing"
  /** The system does not let it be opened or read, or it is a folder, a pipe or a device. */
  | "unreadable"
  /** Not one of the formats that are read, whatever its name says, or of samples whose black and white are not agreed. */
  | "not_a_picture"
  /** More bytes or pixels than an image may have here. */
  | "too_large"
  /** The decoder refuses it: cut short, damaged, or of a kind that the format allows and nobody reads. */
  | "broken"
  /** Twice the decoder's process ended over it. */
  | "crashed"
  /** It took longer than a file may. */
  | "time_limit"
  /** Out of the folders that whoever measures may look into. */
  | "outside"
  /** It was changed between being found and being opened: its place in an archive, its size and its bytes would be of two files. */
  | "changed"
  /** A line of a list, a folder or an archive that names images cannot be understood. */
  | "bad_source";

export type Fault = { readonly error: AuditFault; readonly errorText: string };

/** Where an image comes from, and what is known without opening it. */
export type ImageOrigin = {
  /** Absolute path of the file, or of the archive that it lies in. */
  readonly source: string;
  /** Name and number inside an archive. */
  readonly member: string | null;
  readonly memberNumber: number | null;
  /** Of the file or the member. */
  readonly bytes: number | null;
  /** When the file or the archive was last changed: milliseconds since 1970. */
  readonly mtimeMs: number | null;
  /** How often an epoch has it, by the name of its folder. */
  readonly repeats: number;
  readonly caption: string | null;
  /** Why the caption that is there could not be read. */
  readonly captionError: string | null;
  /** Where the caption is kept: a file beside the image, or the metadata file that names it; none in an archive, or where a folder's name is the caption. */
  readonly captionFile: string | null;
  /** Number of the metadata file's line, from 1. */
  readonly captionLine: number | null;
};

type NullOr<T> = { readonly [K in keyof T]: T[K] | null };

/** What the content says; null is what could not be found out, because of `error`. */
export type ImageFacts = NullOr<
  {
    /** Of the file's bytes, 64 hexadecimal digits. */
    sha256: string;
    format: PictureFormat;
    /** As seen, which is after the turn that the orientation asks for; pixels. */
    width: number;
    height: number;
    /** EXIF's, 1 to 8, where the file has one. */
    orientation: number;
    /** As stored: 1 grey, 2 grey and alpha, 3, 4 with alpha or CMYK. */
    channels: number;
    /** Frames or pages; the first one is measured, of an animated PNG the picture that stands for it. */
    frames: number;
    /** Whether a colour profile is embedded, which was then obeyed. */
    hasProfile: boolean;
    hasAlpha: boolean;
    /** Share of pixels that let the white behind them through, 0 to 1. */
    transparentShare: number;
    /** No pixel has a colour: red, green and blue are equal everywhere. */
    greyscale: boolean;
  } & Omit<ColourMeasures, "workingSide"> & {
      /** The rule of `isColourful`. */
      colourful: boolean;
      /** `dHash` of the picture as measured; none for a flat one. */
      dhash: bigint;
    } & Fault
>;

export type AuditRow = { readonly id: number } & ImageOrigin & ImageFacts;

/** In the table's order. */
const TYPES: { readonly [K in keyof AuditRow]: ParquetType } = {
  id: "int32",
  source: "text",
  member: "text",
  memberNumber: "int32",
  bytes: "int64",
  mtimeMs: "float64",
  repeats: "int32",
  caption: "text",
  captionError: "text",
  captionFile: "text",
  captionLine: "int32",
  sha256: "text",
  format: "text",
  width: "int32",
  height: "int32",
  orientation: "int32",
  channels: "int32",
  frames: "int32",
  hasProfile: "boolean",
  hasAlpha: "boolean",
  transparentShare: "float64",
  greyscale: "boolean",
  contrast: "float64",
  brightness: "float64",
  sharpness: "float64",
  dynamicColours: "float64",
  colourfulness: "float64",
  saturation: "float64",
  saturationDeviation: "float64",
  hues: "float32s",
  vividGrid: "float32s",
  whiteShare: "float64",
  blackShare: "float64",
  clippedHighShare: "float64",
  clippedLowShare: "float64",
  colourful: "boolean",
  dhash: "uint64",
  error: "text",
  errorText: "text",
};

export const FIELDS = Object.keys(TYPES) as readonly (keyof AuditRow)[];

/** `whiteShare` is the column `white_share`, as SQL has names. */
function columnName(field: keyof AuditRow): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function columnsOf(fields: readonly (keyof AuditRow)[] = FIELDS): ParquetColumn[] {
  return fields.map((field) => ({ name: columnName(field), type: TYPES[field] }));
}

export function toTable(row: AuditRow): ParquetRow {
  return Object.fromEntries(FIELDS.map((field) => [columnName(field), row[field] as ParquetValue]));
}

export const NO_FACTS: ImageFacts = {
  ...{ sha256: null, format: null, width: null, height: null, orientation: null, channels: null, frames: null },
  ...{ hasProfile: null, hasAlpha: null, transparentShare: null, greyscale: null },
  ...{ contrast: null, brightness: null, sharpness: null, dynamicColours: null, colourfulness: null },
  ...{ saturation: null, saturationDeviation: null, hues: null, vividGrid: null },
  ...{ whiteShare: null, blackShare: null, clippedHighShare: null, clippedLowShare: null },
  ...{ colourful: null, dhash: null, error: null, errorText: null },
};

export function factsOf(row: ImageFacts): ImageFacts {
  const fields = Object.keys(NO_FACTS) as (keyof ImageFacts)[];
  return Object.fromEntries(fields.map((field) => [field, row[field]])) as ImageFacts;
}
