/** @file What a recipe's keys make of the optimiser, learning rates and averages. */

import type { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import type { Finding } from "../../sampling/finding.ts";
import type { LearnerOptions } from "../learner/learner.ts";
import type { EmaOptions } from "../optimisers/ema.ts";
import type { LearningRateSchedule } from "../optimisers/learning-rate.ts";
import type { OptimiserOptions } from "../optimisers/optimiser.ts";
import { assignments, type Literal } from "./assignments.ts";
import type { LEARNER_KEYS } from "./keys.ts";

export type LearnerValues = z.output<z.ZodObject<typeof LEARNER_KEYS>>;

/** The networks of SDXL that can learn, by the names of their groups. */
export type TrainedNetwork = "unet" | "textEncoder" | "textEncoder2";

export type Rates = Readonly<Record<TrainedNetwork, number | undefined>>;

export type LearningPlan = {
  optimiser: OptimiserOptions;
  /** Peaks by network; undefined where the recipe says nothing. */
  rates: Rates;
  /** Of all schedules; `warmup` below 1 is a share of all steps. */
  schedule: Omit<LearningRateSchedule, "peak" | "warmupSteps" | "totalSteps"> & { warmup: number };
  maxGradNorm: number;
  accumulation: number;
  ema?: EmaOptions;
};

export function learningPlanOf(values: LearnerValues): { plan: LearningPlan; findings: Finding[] } {
  const { optimiser, findings } = optimiserOf(values);
  const { ema_decay } = values;
  const plan: LearningPlan = {
    optimiser,
    rates: ratesOf(values, optimiser),
    schedule: hasRelativeSteps(optimiser) ? { kind: "constant", warmup: 0 } : scheduleOf(values),
    maxGradNorm: values.max_grad_norm,
    accumulation: values.gradient_accumulation_steps,
    ...(ema_decay > 0
      ? {
          ema: {
            decay: ema_decay,
            warmup: values.ema_warmup,
            inverseGamma: values.ema_inverse_gamma,
            power: values.ema_power,
          },
        }
      : {}),
  };
  return { plan, findings };
}

function scheduleOf(values: LearnerValues): LearningPlan["schedule"] {
  const { lr_scheduler: kind, lr_end } = values;
  if (kind === "adafactor") {
    const message = 'lr_scheduler = "adafactor", which is the name of relative steps, and the optimiser takes none';
    const hint = 'Set optimizer_type = "AdaFactor" without relative_step=False, or another lr_scheduler.';
    throw new IllustriousError("bad_option", message, hint);
  }
  return {
    kind,
    warmup: values.lr_warmup_steps,
    cycles: values.lr_scheduler_num_cycles,
    power: values.lr_scheduler_power,
    ...(lr_end === undefined ? {} : { end: lr_end }),
  };
}

/** The learner's options for a run of so many steps, with a group for each network that learns. */
export function learnerOptionsOf(
  plan: LearningPlan,
  train: readonly TrainedNetwork[],
  totalSteps: number,
): LearnerOptions {
  const { warmup, ...schedule } = plan.schedule;
  const warmupSteps = warmup < 1 ? Math.floor(warmup * totalSteps) : Math.round(warmup);
  const groups = train.map((network) => [
    network,
    { ...schedule, peak: plan.rates[network] ?? 0, warmupSteps, totalSteps },
  ]);
  return {
    optimiser: plan.optimiser,
    groups: Object.fromEntries(groups) as Record<string, LearningRateSchedule>,
    maxGradNorm: plan.maxGradNorm,
    accumulation: plan.accumulation,
    ...(plan.ema ? { ema: plan.ema } : {}),
  };
}

/** Whether learning rates know how long the run is: another length is then another run. */
export function followsLength({ schedule: { kind, warmup } }: Pick<LearningPlan, "schedule">): boolean {
  const isConstant = kind === "constant" || kind === "constant_with_warmup";
  return !isConstant || (warmup > 0 && warmup < 1);
}

/** Whether it has learning rates of its own, and none that is given counts. */
export function hasRelativeSteps(optimiser: OptimiserOptions): boolean {
  return optimiser.kind === "adafactor" && optimiser.relativeStep !== false;
}

function ratesOf(values: LearnerValues, optimiser: OptimiserOptions): Rates {
  const { learning_rate: usual = hasRelativeSteps(optimiser) ? 0 : undefined, text_encoder_lr: both } = values;
  const [first, second = first] = typeof both === "number" ? [both] : (both ?? []);
  return {
    unet: values.unet_lr ?? usual,
    textEncoder: values.learning_rate_te1 ?? values.text_encoder_lr1 ?? first ?? usual,
    textEncoder2: values.learning_rate_te2 ?? values.text_encoder_lr2 ?? second ?? usual,
  };
}

/** sd-scripts' names, in small letters, and whether the state is 8 bits a number there. */
const KINDS = new Map<string, { kind: OptimiserOptions["kind"]; packed?: true }>([
  ["adamw", { kind: "adamw" }],
  ["adamw8bit", { kind: "adamw", packed: true }],
  ["pagedadamw", { kind: "adamw" }],
  ["pagedadamw8bit", { kind: "adamw", packed: true }],
  ["pagedadamw32bit", { kind: "adamw" }],
  ["adafactor", { kind: "adafactor" }],
  ["lion", { kind: "lion" }],
  ["lion8bit", { kind: "lion", packed: true }],
  ["pagedlion8bit", { kind: "lion", packed: true }],
]);

export function optimiserOf(values: LearnerValues): { optimiser: OptimiserOptions; findings: Finding[] } {
  const { optimizer_type: type, optimizer_args: args } = values;
  const known = KINDS.get((type || "AdamW").toLowerCase());
  if (!known) {
    throw new IllustriousError("bad_option", `optimizer_type "${type}"`, "Needs AdamW, AdaFactor or Lion.");
  }
  const options: Record<string, number | boolean> = {};
  for (const [name, value] of assignments(args, "optimizer_args")) {
    const reader = ARGUMENTS[known.kind][name];
    if (!reader) {
      const hint = `${known.kind} knows ${Object.keys(ARGUMENTS[known.kind]).join(", ")}.`;
      throw new IllustriousError("bad_option", `optimizer_args: ${name}`, hint);
    }
    Object.assign(options, reader(value, name));
  }
  const packed: Finding = {
    level: "warning",
    code: "state_not_packed",
    message: `${type}: the optimiser's state is float32 here, four times the memory of 8 bits`,
    hint: "Nothing is lost but memory; AdaFactor needs the least.",
  };
  return { optimiser: { kind: known.kind, ...options } as OptimiserOptions, findings: known.packed ? [packed] : [] };
}

type Reader = (value: Literal, name: string) => Record<string, number | boolean>;

const numberAs =
  (option: string): Reader =>
  (value, name) => {
    if (typeof value === "number") return { [option]: value };
    throw wrong(name, value, "a number");
  };

const switchAs =
  (option: string): Reader =>
  (value, name) => {
    if (typeof value === "boolean") return { [option]: value };
    throw wrong(name, value, "True or False");
  };

const pairAs =
  (first: string, second: string): Reader =>
  (value, name) => {
    if (Array.isArray(value) && value.length === 2) return { [first]: value[0]!, [second]: value[1]! };
    throw wrong(name, value, "two numbers");
  };

const ARGUMENTS: Record<OptimiserOptions["kind"], Record<string, Reader>> = {
  adamw: { betas: pairAs("beta1", "beta2"), eps: numberAs("epsilon"), weight_decay: numberAs("weightDecay") },
  lion: { betas: pairAs("beta1", "beta2"), weight_decay: numberAs("weightDecay") },
  adafactor: {
    eps: pairAs("epsilon1", "epsilon2"),
    clip_threshold: numberAs("clipThreshold"),
    decay_rate: numberAs("decayRate"),
    // What Python calls None is the default: no first moment.
    beta1: (value, name) => (value === null ? {} : numberAs("beta1")(value, name)),
    weight_decay: numberAs("weightDecay"),
    scale_parameter: switchAs("scaleParameter"),
    relative_step: switchAs("relativeStep"),
    warmup_init: switchAs("warmupInit"),
  },
};

function wrong(name: string, value: Literal, wanted: string): IllustriousError {
  return new IllustriousError("bad_option", `optimizer_args: ${name}=${JSON.stringify(value)}`, `Needs ${wanted}.`);
}
