/**
 * @file ComfyUI's samplers in the terms of its KSampler. SamplerCustom and SamplerCustomAdvanced are told by nodes of their own
 * which noise, guidance, sampler and noise levels to take: Comfy-Org/ComfyUI, `comfy_extras/nodes_custom_sampler.py` and
 * `nodes_align_your_steps.py`. KSampler (Efficient), of efficiency-nodes-comfyui, has KSampler's own inputs.
 */

import { heldNumber, heldText, type Node, type Nodes, number, upstream } from "./comfy-graph-nodes.ts";

const CUSTOM = ["SamplerCustom", "SamplerCustomAdvanced"];
export const SAMPLERS: readonly string[] = ["KSampler", "KSamplerAdvanced", "KSampler (Efficient)", ...CUSTOM];

export const isSampler = ({ type }: Node): boolean => SAMPLERS.includes(type);

type Levels = {
  /** The schedule's name. */
  readonly scheduler: string;
  /** What its node is told when it gives the levels that the schedule has on SDXL. */
  readonly usual: Readonly<Record<string, number | string>>;
};

const SDXL = { sigma_max: 14.614642, sigma_min: 0.0291675 };

/** Nodes that have the noise levels of one schedule, by their types. */
const LEVELS: ReadonlyMap<string, Levels> = new Map<string, Levels>([
  ["KarrasScheduler", { scheduler: "karras", usual: { ...SDXL, rho: 7 } }],
  ["ExponentialScheduler", { scheduler: "exponential", usual: SDXL }],
  ["PolyexponentialScheduler", { scheduler: "exponential", usual: { ...SDXL, rho: 1 } }],
  ["AlignYourStepsScheduler", { scheduler: "ays", usual: { model_type: "SDXL" } }],
  ["BetaSamplingScheduler", { scheduler: "beta", usual: { alpha: 0.6, beta: 0.6 } }],
  // The last of each tenth of the trained levels, or the first few of those.
  ["SDTurboScheduler", { scheduler: "simple", usual: {} }],
]);

/** What custom samplers are told by. */
export const SAMPLER_PARTS: readonly string[] = [
  ...["KSamplerSelect", "RandomNoise", "DisableNoise", "CFGGuider", "BasicGuider", "BasicScheduler"],
  ...LEVELS.keys(),
];

/** The sampler with KSampler's inputs, whichever it is, beside its own. */
export function asKSampler(nodes: Nodes, sampler: Node): Node {
  const { type, inputs } = sampler;
  if (!CUSTOM.includes(type)) return sampler;
  const nearest = (name: string, has: string) =>
    [...upstream(nodes, inputs.get(name), name)].find((node) => node.inputs.has(has))?.inputs;
  const noise = inputs.has("noise") ? nearest("noise", "noise_seed") : inputs;
  const levels = levelsOf(nodes, sampler);
  const steps: readonly Input[] = [
    ["seed", noise?.get("noise_seed")],
    ["sampler_name", nearest("sampler", "sampler_name")?.get("sampler_name")],
    ["scheduler", LEVELS.get(levels?.type ?? "")?.scheduler ?? levels?.inputs.get("scheduler")],
    ["steps", levels?.inputs.get("steps")],
    ["denoise", levels?.inputs.get("denoise")],
  ];
  const guidance = inputs.has("guider") ? guidanceOf(nearest("guider", "model")) : [];
  return { type, inputs: new Map([...inputs, ...steps, ...guidance]) };
}

type Input = readonly [name: string, value: unknown];

/** Without a negative prompt there is no guidance: BasicGuider. Of two positive ones the first is taken: DualCFGGuider. */
function guidanceOf(guider: Node["inputs"] = new Map()): Input[] {
  const isUnguided = guider.has("conditioning");
  return [
    ["model", guider.get("model")],
    ["positive", guider.get("positive") ?? guider.get("conditioning") ?? guider.get("cond1")],
    ["negative", isUnguided ? "" : guider.get("negative")],
    ["cfg", isUnguided ? 1 : (guider.get("cfg") ?? guider.get("cfg_conds"))],
  ];
}

/** The node that makes the noise levels, behind any that change them. */
function levelsOf(nodes: Nodes, { inputs }: Node): Node | undefined {
  const chain = [...upstream(nodes, inputs.get("sigmas"), "sigmas")];
  return chain.find((node) => node.inputs.has("steps") && !node.inputs.has("sigmas"));
}

/** In what a custom sampler's noise levels are not those of the schedule that they are read as, in whole sentences. */
export function levelsLeftOut(nodes: Nodes, sampler: Node, isSdxlTable: boolean): string[] {
  const levels = levelsOf(nodes, sampler);
  const { usual = {}, scheduler } = LEVELS.get(levels?.type ?? "") ?? {};
  const notes: string[] = [];
  const said = Object.entries(usual).flatMap(([name, one]) => {
    const value = heldNumber(nodes, levels?.inputs.get(name)) ?? heldText(nodes, levels?.inputs.get(name));
    const isUsual = isAlike(value, one) && (isSdxlTable || !name.startsWith("sigma"));
    return value === undefined || isUsual ? [] : [`${name} ${value}`];
  });
  if (said.length > 0) {
    notes.push(
      `Its noise levels (${levels!.type}) are made otherwise than those of ${scheduler} here: ${said.join(", ")}.`,
    );
  }
  const steps = heldNumber(nodes, levels?.inputs.get("steps")) ?? 10;
  if (levels?.type === "SDTurboScheduler" && steps > 1 && steps < 10) {
    notes.push(`Its sampler visits the first ${steps} of ten even noise levels; here ${steps} steps go all the way.`);
  }
  return notes;
}

/** Numbers that differ in the last of the digits that people write. */
function isAlike(value: unknown, usual: number | string): boolean {
  if (typeof usual === "string") return value === usual;
  return Math.abs((number(value) ?? Number.NaN) / usual - 1) < 2e-3;
}
