"""Seconds of one UNet step in PyTorch (diffusers, float32, eager), batch 2.

    python torch-step.py <diffusers folder> [--sizes 256 512] [--runs 5] [--threads 2]
"""

import argparse

import torch
from diffusers import UNet2DConditionModel
from diffusers import __version__ as diffusers_version

from record import measure, report, step_inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="diffusers folder with unet/")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="side of the picture in pixels")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = UNet2DConditionModel.from_pretrained(f"{options.folder}/unet", torch_dtype=torch.float32, local_files_only=True).eval()
    for size in options.sizes:
        x = {name: torch.from_numpy(value) for name, value in step_inputs(size // 8).items()}
        added = {"text_embeds": x["text_embeds"], "time_ids": x["time_ids"]}

        @torch.inference_mode()
        def step():
            model(x["sample"], x["timestep"], x["encoder_hidden_states"], added_cond_kwargs=added)

        note = f"torch {torch.__version__}, diffusers {diffusers_version}; batch 2 in one run"
        report("pytorch", size, measure(step, options.runs), options.threads, "float32", note)


if __name__ == "__main__":
    main()
