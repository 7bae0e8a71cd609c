import type { EffectiveSettings } from "./generate-events.ts";
import type { GenerateOptions } from "./generate-options.ts";

export function picturePngText(
  options: GenerateOptions,
  _settings: EffectiveSettings,
  seed: number,
  _hashes: object,
): { infotext: string; comfy: string } {
  return { infotext: `${options.prompt}\nSteps: ${options.steps}, Seed: ${seed}`, comfy: "{}" };
}
