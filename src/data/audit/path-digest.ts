/** @file A path in eight bytes, for walks over more paths than could be held. */

import { hash } from "node:crypto";

/** Bytes of a digest: what a double holds exactly. Now and then two of millions of paths share one. */
const DIGEST = 6;

export const pathDigest = (path: string): number => hash("sha1", path, "buffer").readUIntBE(0, DIGEST);
