/**
 * @file TensorBoard's events as bytes: `event.proto`, `summary.proto` and `tensor.proto` of
 * https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto (field numbers below are theirs).
 * Scalars, PNG pictures and texts are written; of what is read, the step alone is looked at.
 */

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { IllustriousError } from "../../base/error.ts";

export type TensorboardValue = {
  /** The chart's or strip's name; a slash begins a group. */
  tag: string;
  /** Shown beside it, as Markdown. TensorBoard takes it from the tag's first event. */
  description?: string;
} & (
  | { scalar: number }
  | { png: Uint8Array; width: number; height: number; channels?: 1 | 3 | 4 }
  /** Markdown. */
  | { text: string }
);

export type TensorboardEvent = {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
} & (
  | { values: readonly TensorboardValue[] }
  /** The first event of every file. */
  | { fileVersion: string }
  /** A run goes on at this step: TensorBoard forgets what it has read of this step and later ones. */
  | { sessionStart: true }
);

/** Of the files that are written here, and by every TensorBoard of the last ten years. */
export const FILE_VERSION = "brain.Event:2";

/** DataType DT_STRING, SessionLog.SessionStatus START. */
const STRING_TYPE = 7;
const START = 1;

export function encodeEvent(event: TensorboardEvent): Uint8Array {
  const w = new BinaryWriter();
  // Fields of value 0 are left out, as proto3 writers do.
  if (event.wallTime !== 0) w.tag(1, WireType.Bit64).double(event.wallTime);
  if (event.step !== 0) w.tag(2, WireType.Varint).int64(event.step);
  if ("fileVersion" in event) w.tag(3, WireType.LengthDelimited).string(event.fileVersion);
  if ("sessionStart" in event) message(w, 7, (log) => log.tag(1, WireType.Varint).int32(START));
  if ("values" in event) {
    message(w, 5, (summary) => {
      for (const value of event.values) message(summary, 1, (m) => writeValue(m, value));
    });
  }
  return w.finish();
}

function writeValue(w: BinaryWriter, value: TensorboardValue): void {
  w.tag(1, WireType.LengthDelimited).string(value.tag);
  if ("scalar" in value) w.tag(2, WireType.Bit32).float(value.scalar);
  if ("png" in value) {
    const { height, width, channels = 3, png } = value;
    message(w, 4, (image) => {
      image.tag(1, WireType.Varint).int32(height).tag(2, WireType.Varint).int32(width);
      image.tag(3, WireType.Varint).int32(channels).tag(4, WireType.LengthDelimited).bytes(png);
    });
  }
  if ("text" in value) {
    const { text } = value;
    message(w, 8, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(STRING_TYPE);
      // The shape [1]: the plugin shows a vector of texts.
      message(tensor, 2, (shape) => message(shape, 2, (dim) => dim.tag(1, WireType.Varint).int64(1)));
      tensor.tag(8, WireType.LengthDelimited).bytes(new TextEncoder().encode(text));
    });
  }
  const { description } = value;
  if (!("text" in value) && description === undefined) return;
  message(w, 9, (metadata) => {
    if ("text" in value) message(metadata, 1, (plugin) => plugin.tag(1, WireType.LengthDelimited).string("text"));
    if (description !== undefined) metadata.tag(3, WireType.LengthDelimited).string(description);
  });
}

function message(w: BinaryWriter, field: number, fill: (inner: BinaryWriter) => unknown): void {
  w.tag(field, WireType.LengthDelimited).fork();
  fill(w);
  w.join();
}

/**
 * The step of an event of any kind, 0 where it has none.
 *
 * @throws IllustriousError `bad_file` when the bytes are no protobuf message
 */
export function stepOfEvent(bytes: Uint8Array): number {
  try {
    const r = new BinaryReader(bytes);
    let step = 0;
    while (r.pos < r.len) {
      const [field, type] = r.tag();
      if (field === 2 && type === WireType.Varint) step = Number(r.int64());
      else r.skip(type, field);
    }
    return step;
  } catch (cause) {
    const hint = "Move the file out of the run's folder.";
    throw new IllustriousError("bad_file", `no TensorBoard event: ${(cause as Error).message}`, hint, { cause });
  }
}
