/** @file The public list of the sampling floor. */

export { type NoiseOrigin, noiseFor, noiseSource } from "../base/random/noise.ts";
export { philoxGenerator } from "../base/random/philox.ts";
export type { Seed } from "../base/random/seed.ts";
export { type NormalGenerator, torchGenerator } from "../base/random/torch.ts";
export { type Combination, checkCombination } from "./check.ts";
export type { Finding } from "./finding.ts";
export { type Gaussian, gaussianDenoise, gaussianPath } from "./gaussian.ts";
export {
  type GuidanceOptions,
  guidanceScaleAt,
  guide,
  guidedDenoise,
  type OutputPair,
  type PairCall,
} from "./guidance.ts";
export { initialLatents, noisedLatents, type StartConvention } from "./initial.ts";
export {
  denoiseWith,
  type NetworkCall,
  networkInput,
  type Prediction,
  type PredictionType,
  predictionFor,
  predictionTypes,
} from "./prediction.ts";
export {
  checkSigmas,
  type Denoise,
  noiseIn,
  type Sampler,
  type SamplerOptions,
  type Sigmas,
  type Step,
  type StepNoise,
  stepTo,
  type Walk,
} from "./sampler.ts";
export { sampleDdim } from "./samplers/ddim.ts";
export { sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp2mSdeHeun } from "./samplers/dpmpp.ts";
export { sampleEuler, sampleEulerAncestral } from "./samplers/euler.ts";
export { sampleHeun } from "./samplers/heun.ts";
export {
  callsPerStep,
  lookUpSampler,
  lookUpSchedule,
  type NamedSampler,
  type SamplerName,
  samplerLabels,
  samplerNames,
  samplers,
  scheduleLabels,
  startsUnitInA1111,
  takesEta,
} from "./samplers/named.ts";
export { sampleUniPc, sampleUniPcBh2 } from "./samplers/unipc.ts";
export { scheduleFor } from "./schedule-for.ts";
export {
  makeSchedule,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
  scheduleNames,
} from "./schedules/schedule.ts";
export {
  alphaBars,
  BETA_CURVES,
  betas,
  type DiscreteOptions,
  discreteTable,
  edmTable,
  FINITE_TERMINAL,
  finiteSigmaMax,
  flowTable,
  flowTime,
  type NoiseTable,
  rescaleToZeroSnr,
  type TimeRounding,
  type ZeroSnr,
} from "./tables.ts";
export { betasOfSigmas, shiftOfBetas } from "./trained-betas.ts";
