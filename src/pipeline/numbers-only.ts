/** @file What a network gives is looked at: NaN or infinity ends the work by name, where the picture would only be black. */

import { IllustriousError } from "../base/error.ts";
import type { Session, Value, Values } from "../runtime/runtime.ts";
import type { Weights } from "../runtime/weights.ts";
import type { AppliedLora } from "./loras.ts";
import type { Part } from "./shelf.ts";

const NAMES: Readonly<Record<Part, string>> = {
  textEncoder: "the first text encoder",
  textEncoder2: "the second text encoder",
  unet: "the UNet",
  vaeEncoder: "the VAE's encoder",
  vaeDecoder: "the VAE's decoder",
};

/** The session, whose runs throw `broken_numbers` where an answer is not finite. */
export function numbersOnly(
  session: Session,
  part: Part,
  weights: Weights,
  loras: () => readonly AppliedLora[],
): Session {
  return {
    ...session,
    async run(feeds, outputs) {
      const given = await session.run(feeds, outputs);
      if (Object.values(given).every(hasNumbersOnly)) return given;
      throw brokenNumbers(part, feeds, weights, loras());
    },
  };
}

/** By the sum, in float64: float32 numbers are too few and too small to make it infinite, and nothing else is as fast. */
function hasNumbersOnly({ data }: Value): boolean {
  if (data instanceof BigInt64Array) return true;
  let sum = 0;
  for (const value of data) sum += value;
  return Number.isFinite(sum);
}

function brokenNumbers(
  part: Part,
  { timestep }: Values,
  weights: Weights,
  loras: readonly AppliedLora[],
): IllustriousError {
  const when = timestep ? ` at timestep ${Number(Number(timestep.data[0]).toFixed(1))}` : "";
  const files = new Set([...weights.values()].map(({ path, dtype }) => `${path} (${dtype})`));
  const isVae = part === "vaeEncoder" || part === "vaeDecoder";
  const beside = isVae ? [] : loras.filter(({ file }) => file.parts[part].targets.size > 0);
  const strengths = beside.map((lora) => `${lora.file.name}:${part === "unet" ? lora.unet : lora.textEncoder}`);
  const ways = [
    ...(strengths.length > 0 ? [`Make LoRAs weaker, or leave them out: ${strengths.join(", ")}.`] : []),
    `${strengths.length > 0 ? "If that does not help, weights" : "Weights"} are damaged or went beyond their number type: get ` +
      `another copy of ${[...files].join(", ")}, or one in float32 or bfloat16.`,
    ...(isVae ? ["Or name another VAE: --vae sdxl_vae.safetensors."] : []),
  ];
  return new IllustriousError("broken_numbers", `${NAMES[part]} gave NaN or infinity${when}`, ways.join(" "));
}
