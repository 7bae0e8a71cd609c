/** @file CRC-32C, the Castagnoli polynomial: RFC 3720, appendix B.4. Node's own `crc32` is the other one, of zlib. */

/** The polynomial 0x1EDC6F41 with its bits reversed, since bytes go through it least bit first. */
const POLYNOMIAL = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/**
 * As TFRecord files store it, turned and shifted: checksums of data that contains its own checksum are of little use.
 * TensorFlow, `tensorflow/core/lib/hash/crc32c.h`.
 */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
