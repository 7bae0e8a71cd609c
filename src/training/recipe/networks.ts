/** @file Which networks of SDXL a recipe trains, and whether by low-rank pairs. */

import { IllustriousError } from "../../base/error.ts";
import { assignments } from "./assignments.ts";
import type { Rates, TrainedNetwork } from "./optimiser.ts";
import type { RecipeValues } from "./recipe.ts";

export type RecipeNetwork = {
  rank: number;
  alpha: number;
  /** Of 3 x 3 convolutions; without it they stay as they are. */
  convRank?: number;
  convAlpha?: number;
  /** A file of pairs to begin with. */
  weights?: string;
};

/** sd-scripts' own: a rank of 4 and an alpha of 1, where a recipe says nothing. */
const RANK = 4;
const ALPHA = 1;

/** Whether low-rank pairs learn, which either key asks for. */
export const isLora = ({
  network_module,
  network_dim,
}: Pick<RecipeValues, "network_module" | "network_dim">): boolean =>
  Boolean(network_module) || network_dim !== undefined;

export function networkOf(values: RecipeValues): RecipeNetwork | undefined {
  const { network_module: module, network_dim, network_alpha, network_args, network_weights } = values;
  if (!isLora(values)) {
    refusePairsOnly(values);
    return undefined;
  }
  if (module && module !== "networks.lora") {
    throw new IllustriousError("bad_option", `network_module "${module}"`, 'Needs "networks.lora".');
  }
  const network: RecipeNetwork = { rank: network_dim ?? RANK, alpha: network_alpha ?? ALPHA };
  if (network.alpha === 0) network.alpha = network.rank;
  if (network_weights) network.weights = network_weights;
  for (const [name, value] of assignments(network_args, "network_args")) {
    const fits = typeof value === "number" && value >= 0;
    if (fits && name === "conv_dim" && Number.isInteger(value) && value > 0) network.convRank = value;
    else if (fits && name === "conv_alpha") network.convAlpha = value;
    else {
      const hint = "Knows conv_dim, which is positive, and conv_alpha, which 0 makes the same.";
      throw new IllustriousError("bad_option", `network_args: ${name}=${JSON.stringify(value)}`, hint);
    }
  }
  if (network.convRank !== undefined)
    network.convAlpha = network.convAlpha === 0 ? network.convRank : (network.convAlpha ?? ALPHA);
  return network;
}

/** Of a LoRA alone: without one, the whole UNet would learn, and they would mean nothing. */
function refusePairsOnly(values: RecipeValues): void {
  const given = (
    [
      "network_alpha",
      "network_args",
      "network_weights",
      "network_train_unet_only",
      "network_train_text_encoder_only",
    ] as const
  ).find((key) => [values[key]].flat().some((one) => one !== undefined && one !== false));
  if (given === undefined) return;
  const message = `${given}, without network_module or network_dim: the whole network would be trained`;
  throw new IllustriousError(
    "bad_option",
    message,
    'For a LoRA, set network_module = "networks.lora"; else leave it out.',
  );
}

/** As sd-scripts decides: pairs everywhere unless told otherwise, whole text encoders only when told; a rate of 0 is no. */
export function trainedNetworks(values: RecipeValues, pairs: boolean, rates: Rates): TrainedNetwork[] {
  const { network_train_unet_only: unetOnly, network_train_text_encoder_only: textOnly, train_text_encoder } = values;
  const texts = pairs ? !unetOnly : train_text_encoder;
  const unet = !(pairs && textOnly);
  const chosen: TrainedNetwork[] = [
    ...(unet ? (["unet"] as const) : []),
    ...(texts ? (["textEncoder", "textEncoder2"] as const) : []),
  ];
  const missing = chosen.find((network) => rates[network] === undefined);
  if (missing) {
    throw new IllustriousError(
      "bad_option",
      `no learning rate for ${missing}`,
      "Set learning_rate: 1e-4 is usual for a LoRA, 1e-5 for whole networks. sd-scripts would take 2e-6.",
    );
  }
  // Adafactor's relative steps have no rate to be 0.
  const relative = /adafactor/i.test(values.optimizer_type) && Object.values(rates).every((rate) => !rate);
  const train = relative ? chosen : chosen.filter((network) => rates[network] !== 0);
  if (train.length > 0) return train;
  throw new IllustriousError("bad_option", "no network is trained", "Train the UNet, the text encoders, or both.");
}

/** Whether captions are encoded before the first step. Throws `bad_option` for text encoders that learn. */
export function captionsFirst(values: RecipeValues, train: readonly TrainedNetwork[]): boolean {
  const key = (["cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk"] as const).find((k) => values[k]);
  if (key === undefined || train.every((network) => network === "unet")) return key !== undefined;
  throw new IllustriousError(
    "bad_option",
    `${key} = true and text encoders that learn: what they give changes with every step`,
    `Leave ${key} out, or train the UNet alone (network_train_unet_only = true, or no train_text_encoder).`,
  );
}
