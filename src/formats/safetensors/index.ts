/** @file Reading and writing safetensors files. */

export { bitsOfDType, byteLengthOf, isSafetensorsDType, type SafetensorsDType } from "./dtype.ts";
export { headerLength, parseSafetensorsHeader, type SafetensorsFile, type TensorEntry } from "./header.ts";
export { openSafetensors, parseSafetensors, readFloat32, readTensorBytes } from "./read.ts";
export {
  encodeSafetensors,
  type HashedMetadata,
  type SafetensorsMetadata,
  type TensorToWrite,
  writeSafetensors,
} from "./write.ts";
