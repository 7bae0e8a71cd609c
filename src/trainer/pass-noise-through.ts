/** @file How the UNet of a new eps model begins: as the identity, which is what it has to give where there is hardly anything but noise. */

import type { UNetConfig } from "../models/sdxl/config.ts";
import type { NetworkValues } from "./model-files.ts";

/**
 * Lets a UNet begin by giving back what comes in, each channel divided by its deviation: at high noise that is the noise but for
 * a part in 1 / SNR, and an eps network would need thousands of steps to repeat it so exactly; until it does, the part of the gradient
 * that is about the picture drowns. The way through is conv_in, the outermost skip and conv_out, and each latent channel goes as a pair of
 * opposites, since silu(z) - silu(-z) = z.
 *
 * Changes `network` in place; not at all where the first level is too narrow for the pairs, or its norms would part them.
 */
export function passNoiseThrough(network: NetworkValues, config: UNetConfig): void {
  const { inChannels, outChannels, normGroups, layersPerBlock } = config;
  const [width] = config.blockOutChannels as [number];
  if (inChannels !== outChannels || 2 * inChannels > width || (width / normGroups) % 2 !== 0) return;
  const values = (name: string) => network.get(`${name}.weight`)!.values;
  const [entry, exit] = [values("conv_in"), values("conv_out")];
  const join = values(`up_blocks.${config.blockOutChannels.length - 1}.resnets.${layersPerBlock}.conv_shortcut`);
  const [area, middle] = [9, 4];
  for (let member = 0; member < 2 * inChannels; member++) {
    const [channel, sign] = [member >> 1, member % 2 === 0 ? 1 : -1];
    const row = entry.subarray(member * inChannels * area, (member + 1) * inChannels * area).fill(0);
    row[channel * area + middle] = sign;
    // The join sees the network's own way first, the skip behind it.
    const joined = join.subarray(member * 2 * width, (member + 1) * 2 * width).fill(0);
    joined[width + member] = 1;
    exit[(channel * width + member) * area + middle] = sign;
  }
}
