/** @file BullMQ and ioredis, optional packages: one machine needs neither. */

import { optionalPackage } from "../base/optional-package.ts";

/** @throws IllustriousError `unsupported` where it is not installed */
export function loadBullMq(): Promise<typeof import("bullmq")> {
  return optionalPackage("BullMQ", "bullmq@6.7.0", () => import("bullmq"));
}

/** @throws IllustriousError `unsupported` where it is not installed */
export function loadRedis(): Promise<Pick<typeof import("ioredis"), "Redis">> {
  return optionalPackage("ioredis", "ioredis@6.0.0", () => import("ioredis"));
}
