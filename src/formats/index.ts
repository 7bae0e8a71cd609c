/** @file File formats: bytes in, bytes out. */

export {
  type FileCalls,
  removeStrayTemporaries,
  type Sink,
  writeFileAtomic,
} from "./atomic-write.ts";
export {
  type ComfyGraph,
  type ComfyJob,
  type ComfyLink,
  type ComfyLora,
  type ComfyNode,
  comfyGraph,
} from "./comfy-graph.ts";
export { readComfyGraph } from "./comfy-graph-read.ts";
export {
  type FileKind,
  fileKind,
  fileKindOf,
  KIND_BYTES,
  pickleRefused,
  refuseUnlessSafetensors,
} from "./file-kind.ts";
export { type HashProgress, hashModel, hashModelFile, type ModelHashes } from "./hash.ts";
export {
  formatInfotext,
  type Infotext,
  type InfotextToFormat,
  parseInfotext,
} from "./infotext.ts";
export { encodePng, type PngText, type RgbImage, readPngText, writePngText } from "./png/index.ts";
export {
  bitsOfDType,
  byteLengthOf,
  encodeSafetensors,
  type HashedMetadata,
  headerLength,
  isSafetensorsDType,
  openSafetensors,
  parseSafetensors,
  parseSafetensorsHeader,
  readFloat32,
  readTensorBytes,
  type SafetensorsDType,
  type SafetensorsFile,
  type SafetensorsMetadata,
  type TensorEntry,
  type TensorToWrite,
  writeSafetensors,
} from "./safetensors/index.ts";
export {
  type EventFile,
  encodeEvent,
  encodeRecord,
  openEventFile,
  readRecords,
  type StoredRecord,
  stepOfEvent,
  type TensorboardEvent,
  type TensorboardValue,
} from "./tensorboard/index.ts";
