/** @file Samplers by the names that users know: ComfyUI's, which are ours too, and the A1111 web UI's labels. */

import { IllustriousError } from "../../base/error.ts";
import type { Sampler } from "../sampler.ts";
import { type ScheduleName, scheduleNames } from "../schedules/schedule.ts";
import { sampleDdim } from "./ddim.ts";
import { sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp2mSdeHeun } from "./dpmpp.ts";
import { sampleEuler, sampleEulerAncestral } from "./euler.ts";
import { sampleHeun } from "./heun.ts";
import { sampleUniPc, sampleUniPcBh2 } from "./unipc.ts";

/** `ddim` is the A1111 web UI's DDIM, with eta; ComfyUI's "ddim" is its `euler`, which is the same at eta 0. */
export const samplers = {
  euler: sampleEuler,
  euler_ancestral: sampleEulerAncestral,
  heun: sampleHeun,
  dpmpp_2m: sampleDpmpp2m,
  dpmpp_2m_sde: sampleDpmpp2mSde,
  dpmpp_2m_sde_heun: sampleDpmpp2mSdeHeun,
  ddim: sampleDdim,
  uni_pc: sampleUniPc,
  uni_pc_bh2: sampleUniPcBh2,
} satisfies Record<string, Sampler>;

export type SamplerName = keyof typeof samplers;

export const samplerNames: readonly SamplerName[] = Object.keys(samplers) as SamplerName[];

/** Calls of `denoise` a step, the last step's aside: 2 for methods of second order that look ahead. */
export function callsPerStep(name: SamplerName): 1 | 2 {
  return name === "heun" ? 2 : 1;
}

/** Samplers that draw fresh noise on their way, of which eta is the share; to all others it is nothing. */
export function takesEta(name: SamplerName): boolean {
  return name === "euler_ancestral" || name === "dpmpp_2m_sde" || name === "dpmpp_2m_sde_heun" || name === "ddim";
}

/** A1111's samplers over timesteps: their `x` is the network's input, so it starts as unit noise, whatever is set. */
export function startsUnitInA1111(name: SamplerName): boolean {
  return name === "ddim" || name === "uni_pc" || name === "uni_pc_bh2";
}

/** A1111's label of each sampler, and the schedule that its "Automatic" means on SDXL's own levels. */
export const samplerLabels: Record<SamplerName, { label: string; automatic: ScheduleName }> = {
  euler: { label: "Euler", automatic: "normal" },
  euler_ancestral: { label: "Euler a", automatic: "normal" },
  heun: { label: "Heun", automatic: "normal" },
  dpmpp_2m: { label: "DPM++ 2M", automatic: "karras" },
  dpmpp_2m_sde: { label: "DPM++ 2M SDE", automatic: "exponential" },
  dpmpp_2m_sde_heun: { label: "DPM++ 2M SDE Heun", automatic: "exponential" },
  ddim: { label: "DDIM", automatic: "ddim_uniform" },
  uni_pc: { label: "UniPC", automatic: "ddim_uniform" },
  uni_pc_bh2: { label: "UniPC bh2", automatic: "ddim_uniform" },
};

/** A1111's schedule labels; its and Forge's "Beta" is `beta_forge`, but the plain word means ComfyUI's `beta` here. */
export const scheduleLabels: Record<ScheduleName, string> = {
  normal: "Normal",
  sgm_uniform: "SGM Uniform",
  simple: "Simple",
  ddim_uniform: "DDIM",
  karras: "Karras",
  exponential: "Exponential",
  beta: "Beta",
  beta_forge: "Beta Forge",
  kl_optimal: "KL Optimal",
  ays: "Align Your Steps",
  trailing: "Trailing",
  leading: "Leading",
  linspace: "Linspace",
};

const samplerAliases: Record<string, SamplerName> = {
  dpmpp_2m_sde_gpu: "dpmpp_2m_sde",
  dpmpp_2m_sde_heun_gpu: "dpmpp_2m_sde_heun",
  k_euler: "euler",
  k_euler_a: "euler_ancestral",
  euler_a: "euler_ancestral",
  k_heun: "heun",
  k_dpmpp_2m: "dpmpp_2m",
  k_dpmpp_2m_sde: "dpmpp_2m_sde",
  unipc: "uni_pc",
};

const scheduleAliases: Record<string, ScheduleName> = { uniform: "normal", align_your_steps: "ays", ays_sdxl: "ays" };

export type NamedSampler = {
  name: SamplerName;
  sampler: Sampler;
  /** The schedule that the label's last words name ("DPM++ 2M Karras"), if any. */
  schedule?: ScheduleName;
};

/** The sampler of a ComfyUI name or an A1111 label, with the schedule that old labels end in. Case does not matter. */
export function lookUpSampler(text: string): NamedSampler {
  const whole = samplerOf(text);
  if (whole) return { name: whole, sampler: samplers[whole] };
  const words = text.trim().split(/\s+/);
  for (let split = words.length - 1; split > 0; split--) {
    const name = samplerOf(words.slice(0, split).join(" "));
    const schedule = scheduleOf(words.slice(split).join(" "));
    if (name && schedule) return { name, sampler: samplers[name], schedule };
  }
  const labels = samplerNames.map((name) => `${name} ("${samplerLabels[name].label}")`);
  throw new IllustriousError("bad_option", `unknown sampler "${text}"`, `Samplers: ${labels.join(", ")}.`);
}

/** The schedule of a ComfyUI name or an A1111 label. */
export function lookUpSchedule(text: string): ScheduleName {
  const name = scheduleOf(text);
  if (name) return name;
  throw new IllustriousError("bad_option", `unknown schedule "${text}"`, `Schedules: ${scheduleNames.join(", ")}.`);
}

function samplerOf(text: string): SamplerName | undefined {
  return find(text, samplerNames, (name) => samplerLabels[name].label, samplerAliases);
}

function scheduleOf(text: string): ScheduleName | undefined {
  return find(text, scheduleNames, (name) => scheduleLabels[name], scheduleAliases);
}

function find<Name extends string>(
  text: string,
  names: readonly Name[],
  label: (name: Name) => string,
  aliases: Record<string, Name>,
): Name | undefined {
  const key = fold(text);
  const alias = Object.hasOwn(aliases, key) ? aliases[key] : undefined;
  return alias ?? names.find((name) => name === key || fold(label(name)) === key);
}

function fold(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/g, "_");
}
