/**
 * @file The sizes that SDXL was trained with: Podell et al. (2023), "SDXL: Improving latent diffusion models for high-resolution
 * image synthesis", appendix I. There are 40; 704 x 1344 has no landscape twin.
 */

/** By the short side: the long sides, portrait first. */
const PORTRAIT: readonly (readonly [number, readonly number[]])[] = [
  [512, [1856, 1920, 1984, 2048]],
  [576, [1664, 1728, 1792]],
  [640, [1536, 1600]],
  [704, [1344, 1408, 1472]],
  [768, [1280, 1344]],
  [832, [1152, 1216]],
  [896, [1088, 1152]],
  [960, [1024, 1088]],
];

/** Sorted by width, then height. */
export const SDXL_SIZES: readonly { readonly width: number; readonly height: number }[] = PORTRAIT.flatMap(
  ([short, longs]) =>
    longs.flatMap((long) => {
      const portrait = { width: short, height: long };
      return short === 704 && long === 1344 ? [portrait] : [portrait, { width: long, height: short }];
    }),
)
  .concat({ width: 1024, height: 1024 })
  .sort((a, b) => a.width - b.width || a.height - b.height);
