"""Seconds of one sampling step in stable-diffusion.cpp, by its own clock, with guidance: the UNet once with the prompt and once without.

    python sdcpp-step.py <checkpoint .safetensors> [--size 256] [--runs 5] [--threads 2] [--weights default] [--flash] [--conv-direct]

One size a run: the process ends itself after the last step, before the picture would be decoded.
"""

import argparse
import os

# The library draws its progress bars on standard output, which is to hold nothing but our line.
LINES = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import stable_diffusion_cpp
from stable_diffusion_cpp import StableDiffusion

from record import Stopwatch, report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="default", help="ggml type of the weights: default (the file's), f32, f16, q8_0, ...")
    parser.add_argument("--flash", action="store_true", help="its flash attention in the UNet")
    parser.add_argument("--conv-direct", action="store_true", help="its convolution without im2col in the UNet")
    options = parser.parse_args()
    steps = options.runs + 1
    watch = Stopwatch()
    total = 0.0

    def progress(step, of, average):
        # It tells the mean of the steps so far, from 0 on. Loading has progress too, with other totals.
        nonlocal total
        if of != steps:
            return
        last, total = total, step * average
        if step < 2:
            # The first step also plans and allocates: not counted.
            watch.start()
            return
        watch.stop(total - last)
        if step < steps:
            return
        precision = "weights as in the file (f16)" if options.weights == "default" else f"weights {options.weights}"
        ways = [name for name, on in (("flash attention", options.flash), ("direct convolution", options.conv_direct)) if on]
        note = f"stable-diffusion-cpp-python {stable_diffusion_cpp.__version__}; two runs of batch 1 a step" + "".join(f"; {way}" for way in ways)
        report("stable-diffusion.cpp", options.size, watch, options.threads, precision, note, LINES)
        os._exit(0)

    model = StableDiffusion(
        model_path=options.checkpoint, n_threads=options.threads, wtype=options.weights, vae_decode_only=True, enable_mmap=True,
        diffusion_flash_attn=options.flash, diffusion_conv_direct=options.conv_direct, verbose=bool(os.environ.get("VERBOSE")),
    )
    model.generate_image(
        prompt="1girl, solo, silver hair, red eyes, black dress, night sky", width=options.size, height=options.size, cfg_scale=7,
        sample_method="euler", scheduler="discrete", sample_steps=steps, seed=1, progress_callback=progress,
    )
    raise SystemExit("the sampler told no progress")


if __name__ == "__main__":
    main()
