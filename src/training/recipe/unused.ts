/** @file Keys of a recipe that are set and that nothing of it reads, because another key would have to be set, too. */

import type { z } from "zod";
import type { Finding } from "../../sampling/finding.ts";
import type { Recipe } from "../plan.ts";
import { assignments } from "./assignments.ts";
import { LEARNER_KEYS, NOISE_KEYS, OBJECTIVE_KEYS, RUN_KEYS, TIMESTEP_KEYS } from "./keys.ts";
import { isLora } from "./networks.ts";
import { type ObjectiveValues, type Sampling, samplingOf } from "./objective.ts";
import { hasRelativeSteps, type LearnerValues, optimiserOf } from "./optimiser.ts";

type Values = ObjectiveValues & LearnerValues & z.output<z.ZodObject<typeof RUN_KEYS>>;

const SHAPES = { ...OBJECTIVE_KEYS, ...TIMESTEP_KEYS, ...NOISE_KEYS, ...LEARNER_KEYS, ...RUN_KEYS };

type Reader = {
  readonly keys: readonly (keyof Values)[];
  readonly read: (values: Values, objective: Recipe) => boolean;
  /** What the recipe says instead, and what would make use of the keys. */
  readonly instead: (values: Values) => string;
  readonly remedy: string;
};

const drawnBy = (kinds: readonly Sampling[], ...keys: (keyof Values)[]): Reader => ({
  keys,
  read: (values) => kinds.includes(samplingOf(values)),
  instead: (values) => `timesteps are drawn by ${samplingOf(values)}`,
  remedy: `timestep_sampling = "${kinds[0]}"`,
});

const ruledBy = (kinds: readonly Values["lr_scheduler"][], ...keys: (keyof Values)[]): Reader => ({
  keys,
  read: ({ lr_scheduler }) => kinds.includes(lr_scheduler),
  instead: ({ lr_scheduler }) => `lr_scheduler is ${lr_scheduler}`,
  remedy: `lr_scheduler = "${kinds[0]}"`,
});

/** Keys that say more of another one, which has to be there. */
const of = (main: keyof Values, remedy: string, ...keys: (keyof Values)[]): Reader => ({
  keys,
  read: (values) => Boolean(values[main]),
  instead: () => `${main} is not`,
  remedy,
});

/** Of two keys for one thing, the one that is not asked where both are there. */
const unless = (main: keyof Values, key: keyof Values): Reader => ({
  keys: [key],
  read: (values) => values[main] === undefined,
  instead: () => `${main} goes before it`,
  remedy: "one of the two",
});

const savesByEpoch = ({ save_every_n_steps: steps, save_every_n_epochs: epochs }: Values) =>
  steps === undefined && epochs !== undefined;

/** What a learning rate follows, unless the optimiser has its own. */
const GIVEN_RATES = [
  ...(["learning_rate", "unet_lr", "text_encoder_lr", "learning_rate_te1", "learning_rate_te2"] as const),
  ...(["text_encoder_lr1", "text_encoder_lr2", "lr_scheduler", "lr_warmup_steps"] as const),
];

const READERS: readonly Reader[] = [
  drawnBy(["logit_normal"], "logit_mean", "logit_std"),
  drawnBy(["sigmoid", "shift"], "sigmoid_scale"),
  drawnBy(["mode"], "mode_scale"),
  drawnBy(["shift"], "discrete_flow_shift"),
  drawnBy(["beta"], "beta_a", "beta_b"),
  drawnBy(["table"], "timestep_weights"),
  drawnBy(["laplace"], "laplace_timestep_sampling_mu", "laplace_timestep_sampling_b", "laplace_measure"),
  {
    keys: ["huber_c", "huber_schedule"],
    read: ({ loss_type }) => loss_type === "huber" || loss_type === "smooth_l1",
    instead: ({ loss_type }) => `loss_type is ${loss_type}`,
    remedy: 'loss_type = "huber"',
  },
  {
    keys: ["huber_scale"],
    read: ({ loss_type, huber_schedule }) => loss_type !== "l2" && loss_type !== "l1" && huber_schedule !== "snr",
    instead: ({ loss_type, huber_schedule }) => `loss_type is ${loss_type}, huber_schedule ${huber_schedule}`,
    remedy: 'loss_type = "huber" and huber_schedule = "constant"',
  },
  ruledBy(["polynomial"], "lr_end", "lr_scheduler_power"),
  ruledBy(["cosine_with_restarts"], "lr_scheduler_num_cycles"),
  {
    keys: ["zero_terminal_snr"],
    read: ({ prediction }) => prediction !== "flow",
    instead: () => "prediction is flow, whose levels end in pure noise anyway",
    remedy: "another prediction",
  },
  {
    keys: ["scale_v_pred_loss_like_noise_pred"],
    read: (_, { prediction }) => prediction !== "eps",
    instead: () => "the network predicts eps, whose loss is that already; sd-scripts would stop",
    remedy: "v_parameterization = true on a v-model",
  },
  {
    keys: ["terminal_weight", "weights_before_rescale"],
    read: (_, { table }) => table.zeroSnr !== false,
    instead: () => "the schedule has no zero terminal SNR",
    remedy: "zero_terminal_snr = true",
  },
  {
    keys: ["weighting_scheme"],
    read: ({ timestep_sampling, weighting_scheme }) =>
      weighting_scheme === "none" || timestep_sampling === undefined || timestep_sampling === weighting_scheme,
    instead: (values) => `timesteps are drawn by ${samplingOf(values)}`,
    remedy: "one of the two",
  },
  {
    keys: ["text_encoder_lr", "learning_rate_te1", "learning_rate_te2", "text_encoder_lr1", "text_encoder_lr2"],
    read: (values) => (isLora(values) ? !values.network_train_unet_only : values.train_text_encoder),
    instead: () => "text encoders do not learn",
    remedy: "train_text_encoder = true (of a LoRA, leave network_train_unet_only out)",
  },
  {
    keys: ["train_text_encoder"],
    read: (values) => !isLora(values),
    instead: () => "a LoRA is trained, in both text encoders unless network_train_unet_only says otherwise",
    remedy: "text_encoder_lr",
  },
  ...GIVEN_RATES.map(
    (key): Reader => ({
      keys: [key],
      // A rate of 0 says that a network does not learn, and sd-scripts calls the relative steps by the optimiser's name.
      read: (values) =>
        !hasRelativeSteps(optimiserOf(values).optimiser) || [0, "adafactor"].includes(values[key] as never),
      instead: () => "AdaFactor goes by its relative steps",
      remedy: 'optimizer_args = ["scale_parameter=False", "relative_step=False"]',
    }),
  ),
  {
    keys: [
      ...(["no_metadata", "training_comment", "metadata_title", "metadata_author"] as const),
      ...(["metadata_description", "metadata_license", "metadata_tags", "metadata_trigger_phrase"] as const),
    ],
    read: isLora,
    instead: () => "no LoRA is trained, whose file it is for",
    remedy: 'network_module = "networks.lora"',
  },
  {
    keys: ["network_args"],
    read: ({ network_args }) => {
      const given = assignments(network_args, "network_args");
      return given.has("conv_dim") || !given.has("conv_alpha");
    },
    instead: () => "its conv_alpha means nothing without conv_dim",
    remedy: "conv_dim beside it",
  },
  {
    keys: ["save_last_n_steps"],
    read: ({ save_every_n_steps, save_every_n_epochs }) => Boolean(save_every_n_steps || save_every_n_epochs),
    instead: () => "neither save_every_n_steps nor save_every_n_epochs is",
    remedy: "save_every_n_steps",
  },
  unless("save_every_n_steps", "save_every_n_epochs"),
  unless("sample_every_n_steps", "sample_every_n_epochs"),
  unless("max_train_epochs", "max_train_steps"),
  {
    keys: ["save_last_n_epochs"],
    read: (values) => !values.save_last_n_epochs || savesByEpoch(values),
    instead: () => "checkpoints do not come by epochs",
    remedy: "save_every_n_epochs in place of steps",
  },
  {
    keys: ["save_last_n_steps"],
    read: (values) => !(values.save_last_n_epochs && savesByEpoch(values)),
    instead: () => "save_last_n_epochs goes before it",
    remedy: "one of the two",
  },
  of("ema_decay", "ema_decay = 0.999", "ema_warmup", "ema_inverse_gamma", "ema_power"),
  {
    keys: ["ema_inverse_gamma", "ema_power"],
    read: ({ ema_decay, ema_warmup }) => !ema_decay || ema_warmup === "power",
    instead: ({ ema_warmup }) => `ema_warmup is ${ema_warmup}`,
    remedy: 'ema_warmup = "power"',
  },
  of("debiased_estimation_loss", "debiased_estimation_loss = true", "debiased_form"),
  of("p2_gamma", "p2_gamma = 1", "p2_k", "p2_form"),
  {
    keys: ["p2_k"],
    read: ({ p2_gamma, p2_form }) => !p2_gamma || p2_form === "paper",
    instead: ({ p2_form }) => `p2_form is ${p2_form}, whose k is a fixed one`,
    remedy: 'p2_form = "paper"',
  },
  of("noise_offset", "noise_offset = 0.05", "noise_offset_random_strength"),
  of("multires_noise_iterations", "multires_noise_iterations = 6", "multires_noise_discount"),
  of("ip_noise_gamma", "ip_noise_gamma = 0.05", "ip_noise_gamma_random_strength"),
];

/** What is as it would be without the key is not told: programs around sd-scripts write every default. */
export function unusedKeys(values: Values, objective: Recipe): Finding[] {
  return READERS.filter(({ read }) => !read(values, objective)).flatMap(({ keys, instead, remedy }) =>
    keys
      .filter((key) => values[key] !== SHAPES[key].parse(undefined))
      .map((key): Finding => {
        return {
          level: "warning",
          code: "unused_option",
          message: `${key} is set, and ${instead(values)}`,
          hint: `Set ${remedy}, or leave ${key} out.`,
        };
      }),
  );
}
