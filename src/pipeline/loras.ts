/**
 * @file The LoRAs beside a pipeline's networks. Which files there are decides what must be open; how strong they are is fed
 * to every run and may change at any time.
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { type LoraFile, openLora } from "../models/sdxl/lora-file.ts";
import { strengthInput } from "../models/sdxl/lora-graph.ts";
import { LORA_COMPONENTS, type LoraComponent } from "../models/sdxl/lora-targets.ts";
import { float32, type Session, type Values } from "../runtime/runtime.ts";

/** As A1111 has them: one strength for both text encoders and one for the UNet; 1 is as trained, and below 0 is away from it. */
export type LoraStrengths = { readonly textEncoder: number; readonly unet: number };

export type LoraRequest = LoraStrengths & { readonly path: string };

export type AppliedLora = LoraStrengths & { readonly file: LoraFile };

/** Opens what is asked for, in its order; a file that stands in `opened` and has not changed since is taken from there. */
export async function openLoras(
  requests: readonly LoraRequest[],
  configs: SdxlConfigs,
  opened: Map<string, LoraFile>,
): Promise<AppliedLora[]> {
  const applied: AppliedLora[] = [];
  for (const { path, textEncoder, unet } of requests) {
    // A file that is not there is refused by name when it is opened.
    const found = await stat(path).catch(() => undefined);
    const key = `${path}\n${resolve(path)}\n${found?.size}\n${found?.mtimeMs}`;
    const file = opened.get(key) ?? (await openLora(path, configs));
    opened.set(key, file);
    applied.push({ file, textEncoder, unet });
  }
  return applied;
}

/** The networks for which the two lists are not the same files. */
export function changedComponents(before: readonly AppliedLora[], after: readonly AppliedLora[]): LoraComponent[] {
  const filesOf = (loras: readonly AppliedLora[], component: LoraComponent) =>
    loras.map(({ file }) => file.parts[component]).map((part) => (part.targets.size > 0 ? part : undefined));
  return LORA_COMPONENTS.filter((component) => {
    const [one, other] = [filesOf(before, component), filesOf(after, component)];
    return Array.from({ length: Math.max(one.length, other.length) }, (_, i) => one[i] !== other[i]).some(Boolean);
  });
}

/** The session with the strengths fed that hold at each run. */
export function withStrengths(
  session: Session,
  component: LoraComponent,
  loras: () => readonly AppliedLora[],
): Session {
  const feeds = (): Values =>
    Object.fromEntries(
      loras().map((lora, i) => {
        const strength = component === "unet" ? lora.unet : lora.textEncoder;
        return [strengthInput(i), float32(Float32Array.of(strength), [])];
      }),
    );
  return { ...session, run: (own, outputs) => session.run({ ...feeds(), ...own }, outputs) };
}
