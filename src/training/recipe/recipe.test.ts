import fc from "fast-check";
import { expect, test } from "vitest";
import { IllustriousError } from "../../base/error.ts";
import { discreteTable } from "../../sampling/tables.ts";
import { createOptimiser } from "../optimisers/optimiser.ts";
import { planOf, type Recipe, shareOf } from "../plan.ts";
import { checkRunLength, learnerOptionsOf, parseRecipe, readRecipe, recipeKeys } from "./index.ts";

const table = discreteTable({ zeroSnr: "exact" });
const read = (toml: string, reading = {}) => parseRecipe(`learning_rate = 1e-4\n${toml}`, reading);
const codes = (toml: string, reading = {}) => read(toml, reading).findings.map(({ code }) => code);
const v = "v_parameterization = true\nzero_terminal_snr = true\n";

// The same recipe in our own terms, by the plan that both make: weight and probability of every level.
const objectives: [string, Partial<Recipe>][] = [
  ["", {}],
  ["min_snr_gamma = 5", { weighting: { kind: "min_snr", gamma: 5 } }],
  ["min_snr_gamma = 0", {}],
  ["soft_min_snr_gamma = 1", { weighting: { kind: "soft_min_snr", gamma: 1 } }],
  ["debiased_estimation_loss = true", { weighting: { kind: "debiased", form: "kohya" } }],
  ['debiased_estimation_loss = true\ndebiased_form = "paper"', { weighting: { kind: "debiased" } }],
  ["p2_gamma = 1\np2_k = 2", { weighting: { kind: "p2", gamma: 1, k: 2 } }],
  ["scale_v_pred_loss_like_noise_pred = true", { weighting: { kind: "uniform", of: "eps" } }],
  ['weight_loss_like = "x0"', { weighting: { kind: "uniform", of: "x0" } }],
  [
    'min_snr_gamma = 5\nterminal_weight = "limit"',
    { weighting: { kind: "min_snr", gamma: 5 }, terminalWeight: "limit" },
  ],
  [
    "min_snr_gamma = 5\nweights_before_rescale = true",
    { weighting: { kind: "min_snr", gamma: 5 }, weightTable: discreteTable() },
  ],
  [
    "min_snr_gamma = 5\nweights_before_rescale = true\nterminal_weight = 1",
    { weighting: { kind: "min_snr", gamma: 5 }, weightTable: discreteTable(), terminalWeight: 1 },
  ],
  ['min_snr_gamma = 5\nweight_formula_of = "eps"', { weighting: { kind: "min_snr", gamma: 5 }, weightFor: "eps" }],
  ["min_timestep = 100\nmax_timestep = 900", { timesteps: { minTimestep: 100, maxTimestep: 900 } }],
  [
    'timestep_sampling = "logit_normal"\nlogit_mean = 0.5\nterminal_share = 0.01',
    { timesteps: { distribution: { kind: "logit_normal", mean: 0.5 }, terminalShare: 0.01 } },
  ],
  [
    'timestep_sampling = "sigmoid"\nsigmoid_scale = 2',
    { timesteps: { distribution: { kind: "logit_normal", deviation: 2 } } },
  ],
  [
    'timestep_sampling = "shift"\ndiscrete_flow_shift = 2',
    { timesteps: { distribution: { kind: "logit_normal" }, shift: 2 } },
  ],
  ['weighting_scheme = "mode"\nmode_scale = 1', { timesteps: { distribution: { kind: "mode", scale: 1 } } }],
  [
    "laplace_timestep_sampling_mu = 0\nlaplace_timestep_sampling_b = 3",
    { timesteps: { distribution: { kind: "laplace", mu: 0, b: 3 } } },
  ],
  ['timestep_sampling = "beta"\nbeta_a = 2', { timesteps: { distribution: { kind: "beta", a: 2, b: 1 } } }],
];

test.each(objectives)("%s", (toml, ours) => {
  const plan = planOf(read(v + toml).objective);
  const expected = planOf({ prediction: "v", table, ...ours });
  expect(plan.weight).toEqual(expected.weight);
  expect(plan.probability).toEqual(expected.probability);
});

test("a published recipe keeps its share of low SNR", () => {
  // Computed independently: min-SNR 5 on a v-loss, the terminal level by formula.
  const plan = planOf(read(`${v}min_snr_gamma = 5\nterminal_weight = "limit"`).objective);
  expect(Math.abs(shareOf(plan, plan.product, 0, 0.05) - 0.013)).toBeLessThan(0.0015);
});

test("noise and loss", () => {
  const toml =
    'noise_offset = 0.05\nmultires_noise_iterations = 6\nip_noise_gamma = 0.1\nloss_type = "huber"\nhuber_c = 0.2';
  const { noise, loss } = read(toml).objective;
  expect(noise).toMatchObject({ offset: 0.05, pyramid: { iterations: 6, discount: 0.3 }, perturbation: 0.1 });
  expect(loss).toEqual({ kind: "huber", threshold: 0.2, schedule: "snr", scale: 1 });
  expect(read("").objective.noise).not.toHaveProperty("pyramid");
});

test("a silent recipe follows the checkpoint; one that contradicts it is told so", () => {
  const model = { prediction: "v", zeroSnr: "exact", shift: 0.5 } as const;
  const silent = read("", { model });
  expect([silent.objective.prediction, silent.objective.table.zeroSnr, silent.objective.table.shift]).toEqual([
    "v",
    "exact",
    0.5,
  ]);
  expect(silent.findings).toEqual([]);
  expect(codes("v_parameterization = false\nzero_terminal_snr = false", { model })).toEqual([
    "prediction_differs",
    "zero_snr_differs",
  ]);
  expect(read("").objective.prediction).toBe("eps");
  expect(read('prediction = "flow"\nschedule_shift = 3').objective.table).toMatchObject({ family: "flow", shift: 3 });
});

test.each([
  ["lr_end = 1e-6", "lr_end is set, and lr_scheduler is constant", 'lr_end = 1e-6\nlr_scheduler = "polynomial"'],
  [
    "lr_scheduler_num_cycles = 2",
    "lr_scheduler is constant",
    'lr_scheduler_num_cycles = 2\nlr_scheduler = "cosine_with_restarts"',
  ],
  ["huber_c = 0.2", "huber_c is set, and loss_type is l2", 'huber_c = 0.2\nloss_type = "huber"'],
  [
    'loss_type = "huber"\nhuber_scale = 2',
    "huber_scale is set, and loss_type is huber, huber_schedule snr",
    'loss_type = "huber"\nhuber_scale = 2\nhuber_schedule = "constant"',
  ],
  [
    "ema_power = 0.5",
    "ema_power is set, and ema_decay is not",
    'ema_power = 0.5\nema_decay = 0.999\nema_warmup = "power"',
  ],
  [
    "ema_inverse_gamma = 2\nema_decay = 0.999",
    "ema_inverse_gamma is set, and ema_warmup is ramp",
    'ema_inverse_gamma = 2\nema_decay = 0.999\nema_warmup = "power"',
  ],
  [
    'p2_k = 2\np2_gamma = 1\np2_form = "onetrainer"',
    "p2_k is set, and p2_form is onetrainer",
    "p2_k = 2\np2_gamma = 1",
  ],
  ["p2_k = 2", "p2_k is set, and p2_gamma is not", "p2_k = 2\np2_gamma = 1"],
  ["mode_scale = 2", "and timesteps are drawn by uniform", 'mode_scale = 2\ntimestep_sampling = "mode"'],
  ['timestep_sampling = "uniform"\nweighting_scheme = "mode"', "weighting_scheme is set", 'weighting_scheme = "mode"'],
  ['prediction = "flow"\nzero_terminal_snr = true', "prediction is flow", 'prediction = "v"\nzero_terminal_snr = true'],
  ["text_encoder_lr = 1e-5", "text encoders do not learn", "text_encoder_lr = 1e-5\ntrain_text_encoder = true"],
  [
    "network_dim = 4\nnetwork_train_unet_only = true\nlearning_rate_te2 = 1e-5",
    "learning_rate_te2 is set, and text encoders do not learn",
    "network_dim = 4\nlearning_rate_te2 = 1e-5",
  ],
  [
    "save_every_n_steps = 5\nsave_every_n_epochs = 1",
    "save_every_n_epochs is set, and save_every_n_steps goes before it",
    "save_every_n_epochs = 1",
  ],
  [
    "sample_every_n_steps = 5\nsample_every_n_epochs = 1",
    "sample_every_n_epochs is set, and sample_every_n_steps goes before it",
    "sample_every_n_steps = 5",
  ],
  [
    'metadata_author = "me"',
    "metadata_author is set, and no LoRA is trained",
    'metadata_author = "me"\nnetwork_dim = 4',
  ],
  [
    "save_last_n_epochs = 3\nsave_every_n_steps = 5",
    "save_last_n_epochs is set, and checkpoints do not come by epochs",
    "save_last_n_epochs = 3\nsave_every_n_epochs = 5",
  ],
  [
    "save_last_n_steps = 3\nsave_last_n_epochs = 2\nsave_every_n_epochs = 1",
    "save_last_n_steps is set, and save_last_n_epochs goes before it",
    "save_last_n_steps = 3\nsave_every_n_epochs = 1",
  ],
  ["max_train_steps = 5\nmax_train_epochs = 1", "max_train_steps is set, and max_train_epochs", "max_train_steps = 5"],
  [
    "scale_v_pred_loss_like_noise_pred = true",
    "the network predicts eps",
    'prediction = "flow"\nscale_v_pred_loss_like_noise_pred = true',
  ],
  ["weights_before_rescale = true", "has no zero terminal SNR", `${v}weights_before_rescale = true`],
  ['terminal_weight = "limit"', "terminal_weight is set", 'prediction = "flow"\nterminal_weight = 0.5'],
  [
    'network_dim = 4\nnetwork_args = ["conv_alpha=4"]',
    "its conv_alpha means nothing without conv_dim",
    'network_dim = 4\nnetwork_args = ["conv_alpha=4", "conv_dim=8"]',
  ],
  ["save_last_n_steps = 10", "neither save_every_n_steps nor", "save_last_n_steps = 10\nsave_every_n_epochs = 1"],
  ["network_dim = 4\ntrain_text_encoder = true", "a LoRA is trained", "train_text_encoder = true"],
])("%s is told to be read by nothing", (text, message, used) => {
  const idle = (toml: string) => read(toml).findings.filter(({ code }) => code === "unused_option");
  expect(idle(text)).toHaveLength(1);
  expect(idle(text)[0]!.message).toContain(message);
  expect(idle(used)).toEqual([]);
});

test("rates and schedules are told where AdaFactor goes by its relative steps, but for a rate of 0", () => {
  const idle = (toml: string) => {
    const { findings } = parseRecipe(`optimizer_type = "AdaFactor"\nnetwork_dim = 4\n${toml}`);
    return findings.map(({ message }) => message.replace(/ is set, and AdaFactor goes by its relative steps$/, ""));
  };
  const rates = "unet_lr = 1e-4\ntext_encoder_lr = 0\n";
  expect(idle(`${rates}lr_scheduler = "cosine"\nlr_warmup_steps = 0.1`)).toEqual([
    "unet_lr",
    "lr_scheduler",
    "lr_warmup_steps",
  ]);
  expect(idle(`learning_rate = 1e-4\noptimizer_args = ["relative_step=False"]`)).toEqual([]);
});

test("defaults that are written out are not told", () => {
  const written = 'huber_c = 0.1\nhuber_schedule = "snr"\nlr_scheduler_power = 1\nmultires_noise_discount = 0.3';
  expect(read(written).findings).toEqual([]);
});

test("what sd-scripts' programs write out to say nothing is accepted", () => {
  const off = `save_every_n_steps = 0\nsave_every_n_epochs = 2\nsample_every_n_steps = 0\nstop_text_encoder_training = 0
    save_state_to_huggingface = false\nresume_from_huggingface = false`;
  expect(read(off).values).toMatchObject({ save_every_n_steps: undefined, save_every_n_epochs: 2 });
  expect(read(off).findings).toEqual([]);
  const { findings } = read("zero_stage = 2\nsave_last_n_steps_state = 0\nvalidate_every_n_epochs = 1");
  expect(findings).toMatchObject([{ code: "ignored_options" }]);
  expect(() => read("stop_text_encoder_training = 100")).toThrow(/text_encoder_training = 100 is not supported/);
});

test("what speaks against the whole is among the findings", () => {
  expect(codes("zero_terminal_snr = true")).toEqual(["eps_zero_snr"]);
  expect(codes(`${v}noise_offset = 0.1`)).toEqual(["double_fix"]);
  expect(codes(`${v}scale_v_pred_loss_like_noise_pred = true`)).toEqual(["weighted_like_eps"]);
  expect(codes(`${v}logit_mean = 1`)).toEqual(["unused_option"]);
  expect(codes("clip_skip = 1")).toEqual(["clip_skip"]);
  expect(codes("clip_skip = 2")).toEqual([]);
  expect(codes('xformers = true\nmixed_precision = "bf16"')).toEqual(["ignored_options"]);
  expect(codes('optimizer_type = "AdamW8bit"')).toEqual(["state_not_packed"]);
});

const faults: [string, RegExp][] = [
  ["min_snr_gama = 5", /unknown key min_snr_gama \(did you mean min_snr_gamma\?\)/],
  ["qwertyuiop = 5", /unknown key qwertyuiop$/],
  ["min_snr_gamma = -1\nnetwork_dim = 0", /min_snr_gamma = -1: .*; network_dim = 0: /],
  ['lr_scheduler = "cosin"', /lr_scheduler = "cosin"/],
  ["min_snr_gamma = 5\ndebiased_estimation_loss = true", /min_snr_gamma and debiased_estimation_loss: two weightings/],
  ['v_parameterization = true\nprediction = "eps"', /prediction = "eps" and v_parameterization = true/],
  ["masked_loss = true", /masked_loss = true is not supported/],
  ["[a]\nseed = 1\n[b]\nseed = 2", /seed is set twice/],
  ['lr_scheduler = "adafactor"', /^lr_scheduler = "adafactor", which is the name of relative steps/],
  ["min_timestep = 900\nmax_timestep = 100", /^min_timestep = 900 and max_timestep = 100: /],
  ["max_timestep = 2000", /^min_timestep = 0 and max_timestep = 2000: no such range among 1000 levels$/],
  ['optimizer_type = "Prodigy"', /optimizer_type "Prodigy"/],
  ['optimizer_args = ["momentum=1"]', /optimizer_args: momentum/],
  ['optimizer_args = ["betas=0.9"]', /betas=0.9/],
  ['network_module = "lycoris.kohya"', /network_module "lycoris.kohya"/],
  ['network_dim = 4\nnetwork_args = ["algo=loha"]', /network_args: algo="loha"/],
  ["network_alpha = 8", /network_alpha, without network_module or network_dim/],
  ["network_train_unet_only = true", /network_train_unet_only, without network_module or network_dim/],
  ["unet_lr = 0\ntext_encoder_lr = 0\nnetwork_dim = 4", /no network is trained/],
  ["lr_warmup_steps = 10\nmax_train_steps = 100", /^lr_scheduler = "constant" and lr_warmup_steps = 10: /],
  [
    'lr_scheduler = "cosine"\nlr_warmup_steps = 200\nmax_train_steps = 100',
    /^lr_warmup_steps = 200 and max_train_steps = 100: no step is left for lr_scheduler = "cosine"$/,
  ],
  ['lr_scheduler = "linear"\nlr_warmup_steps = 100\nmax_train_steps = 100', /= 100 and max_train_steps = 100: /],
  [
    'lr_scheduler = "polynomial"\nlr_warmup_steps = 1e4',
    /^lr_warmup_steps = 10000 and 1600 steps, as max_train_steps is/,
  ],
  ['timestep_sampling = "laplace"', /laplace without laplace_timestep_sampling_mu/],
  ["unet_lr = 0", /no network is trained/],
  [
    "cache_text_encoder_outputs = true\nnetwork_dim = 4",
    /cache_text_encoder_outputs = true and text encoders that learn/,
  ],
  ["cache_text_encoder_outputs_to_disk = true\ntrain_text_encoder = true", /_to_disk = true and text encoders that/],
];

test.each(faults)("refused: %s", (toml, message) => {
  expect(() => read(toml)).toThrow(
    expect.objectContaining({ code: "bad_option", message: expect.stringMatching(message) }),
  );
});

test("a recipe without a learning rate is refused, for sd-scripts' default trains nothing", () => {
  expect(() => parseRecipe("seed = 1")).toThrow(/no learning rate for unet/);
  expect(parseRecipe("unet_lr = 1e-4").train).toEqual(["unet"]);
  expect(parseRecipe('optimizer_type = "Adafactor"\ntrain_text_encoder = true').train).toHaveLength(3);
});

test("adafactor as lr_scheduler is the name of its relative steps, of which nothing has to be told", () => {
  const { learning, findings } = parseRecipe('optimizer_type = "AdaFactor"\nlr_scheduler = "adafactor"');
  expect([learning.schedule, findings]).toEqual([{ kind: "constant", warmup: 0 }, []]);
});

test("an alpha of 0 is the rank", () => {
  const text = 'network_dim = 16\nnetwork_alpha = 0\nnetwork_args = ["conv_dim=8", "conv_alpha=0"]';
  expect(read(text).network).toEqual({ rank: 16, alpha: 16, convRank: 8, convAlpha: 8 });
});

test("a recipe that is no TOML names the place", () => {
  expect(() => parseRecipe("seed = 1\nlr = = 2")).toThrow(
    expect.objectContaining({ code: "bad_file", message: expect.stringMatching(/^recipe: line 2, column 6/) }),
  );
});

test("optimisers with Python's arguments", () => {
  const optimiser = (toml: string) => read(toml).learning.optimiser;
  expect(optimiser('optimizer_args = ["betas=(0.9, 0.95)", "weight_decay=0.1", "eps=1e-6"]')).toEqual({
    kind: "adamw",
    beta1: 0.9,
    beta2: 0.95,
    weightDecay: 0.1,
    epsilon: 1e-6,
  });
  const adafactor = optimiser(
    'optimizer_type = "AdaFactor"\noptimizer_args = ["scale_parameter=False", "relative_step=False", "beta1=None"]',
  );
  expect(adafactor).toEqual({ kind: "adafactor", scaleParameter: false, relativeStep: false });
  expect(createOptimiser(adafactor).name).toBe("adafactor");
  expect(optimiser('optimizer_type = "Lion"\noptimizer_args = ["betas=0.9,0.99"]')).toEqual({
    kind: "lion",
    beta1: 0.9,
    beta2: 0.99,
  });
});

test("learning rates by network, warm-up as steps or as a share", () => {
  const toml = 'network_dim = 16\ntext_encoder_lr = [5e-5, 2e-5]\nlr_scheduler = "cosine"\nlr_warmup_steps = 0.1';
  const { learning, train, network } = read(toml);
  expect(train).toEqual(["unet", "textEncoder", "textEncoder2"]);
  expect(network).toEqual({ rank: 16, alpha: 1 });
  const { groups, maxGradNorm } = learnerOptionsOf(learning, train, 1000);
  expect(Object.values(groups).map(({ peak }) => peak)).toEqual([1e-4, 5e-5, 2e-5]);
  expect(groups.unet).toMatchObject({ kind: "cosine", warmupSteps: 100, totalSteps: 1000 });
  expect(maxGradNorm).toBe(1);
  expect(
    learnerOptionsOf(read('lr_scheduler = "linear"\nlr_warmup_steps = 30').learning, ["unet"], 1000).groups.unet!
      .warmupSteps,
  ).toBe(30);
  expect(read("text_encoder_lr = 0\nnetwork_dim = 4").train).toEqual(["unet"]);
  expect(read("learning_rate_te2 = 0\ntrain_text_encoder = true").train).toEqual(["unet", "textEncoder"]);
  expect(read('network_module = "networks.lora"\nnetwork_args = ["conv_dim=8"]').network).toEqual({
    rank: 4,
    alpha: 1,
    convRank: 8,
    convAlpha: 1,
  });
});

test("captions are encoded beforehand where sd-scripts' keys ask for it", () => {
  expect(read("").captionsFirst).toBe(false);
  expect(read("cache_text_encoder_outputs = true").captionsFirst).toBe(true);
  const lora = "network_dim = 4\nnetwork_train_unet_only = true\ncache_text_encoder_outputs_to_disk = true";
  expect(read(lora).captionsFirst).toBe(true);
});

test("a warm-up longer than the run is told in the recipe's keys, for epochs once their steps are known", () => {
  const recipe = read('lr_scheduler = "cosine"\nlr_warmup_steps = 99.6\nmax_train_epochs = 2');
  expect(() => checkRunLength(recipe, 101)).not.toThrow();
  expect(() => checkRunLength(recipe, 100)).toThrow(
    /^lr_warmup_steps = 99.6 and max_train_epochs = 2, which are 100 steps/,
  );
  expect(() => read('lr_scheduler = "constant_with_warmup"\nlr_warmup_steps = 200\nmax_train_steps = 9')).not.toThrow();
  expect(() => read('lr_scheduler = "cosine"\nlr_warmup_steps = 0.99\nmax_train_steps = 1')).not.toThrow();
  // Relative steps warm up on their own, and the key does nothing.
  const relative = 'optimizer_type = "AdaFactor"\nlr_scheduler = "cosine"\nlr_warmup_steps = 200\nmax_train_steps = 9';
  expect(() => read(relative)).not.toThrow();
  expect(() => read(`${relative}\noptimizer_args = ["relative_step=False"]`)).toThrow(/^lr_warmup_steps = 200/);
});

test("sections do not matter, and what belongs to the data is handed on", () => {
  const recipe = parseRecipe(
    '[optimizer]\nlearning_rate = 1e-4\n[anything]\nseed = 3\nresolution = "512,512"\n[general]\nflip_aug = true\n[[datasets]]\nresolution = 512',
    { dataKeys: ["resolution"] },
  );
  expect(recipe.values.seed).toBe(3);
  expect(recipe.data).toEqual({ resolution: "512,512", general: { flip_aug: true }, datasets: [{ resolution: 512 }] });
  expect(() => read("resolution = 1")).toThrow(/unknown key resolution/);
});

test("averages, and draws by each picture's size", () => {
  const recipe = read('ema_decay = 0.999\ntimestep_shift = "size"');
  expect(recipe.learning.ema).toMatchObject({ decay: 0.999, warmup: "ramp" });
  expect(recipe.shiftBySize).toBe(true);
  expect(read("").learning).not.toHaveProperty("ema");
});

test("whatever a file holds, there is a recipe or a typed error", () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.double(),
    fc.constantFrom(true, false, 0, 1, 5, "v", "limit", Infinity, Number.NaN),
  );
  const key = fc.oneof(fc.constantFrom(...Object.keys(recipeKeys)), fc.string(), fc.constant("__proto__"));
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 6 }), (raw) => {
      try {
        expect(readRecipe({ learning_rate: 1e-4, ...raw }).train.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(IllustriousError);
        expect((error as IllustriousError).code).not.toBe("internal");
      }
    }),
    { numRuns: 300 },
  );
});
