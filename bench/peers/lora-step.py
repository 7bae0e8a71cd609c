"""One step of a LoRA on the UNet's attention with diffusers and peft: float32, gradient checkpointing, on the CPU.

    python lora-step.py <diffusers folder> [--size 512] [--rank 16] [--steps 2] [--threads 2] [--gradients out.json]

The same numbers go in as in bench/lora-step.mjs; with --gradients, each matrix's norm and its product with a fixed wave.
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers import __version__ as diffusers_version
from peft import LoraConfig
from peft import __version__ as peft_version


def noise(shape, k, scale=1.0):
    x = np.sin(12.9898 * (np.arange(np.prod(shape)) + 1) + 78.233 * k) * 43.758
    values = np.float32(np.sqrt(12) * (x - np.floor(x) - 0.5))
    # The scale is applied in float64 to numbers that are float32 already, as in the other program.
    return torch.from_numpy((values.astype(np.float64) * scale).astype(np.float32).reshape(shape))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="diffusers folder with unet/")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gradients")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = UNet2DConditionModel.from_pretrained(f"{options.folder}/unet", torch_dtype=torch.float32, local_files_only=True)
    model.requires_grad_(False)
    model.add_adapter(LoraConfig(r=options.rank, lora_alpha=options.rank, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    model.enable_gradient_checkpointing()
    model.train()

    def our_name(name):
        return name.replace("lora_A.default.", "lora_down.").replace("lora_B.default.", "lora_up.")

    pairs = {our_name(name): p for name, p in model.named_parameters() if "lora_" in name}
    for k, (name, parameter) in enumerate(sorted(pairs.items())):
        scale = 0.02 if "lora_up" in name else 1 / np.sqrt(parameter.shape[1])
        parameter.data = noise(tuple(parameter.shape), 10 + k, scale)

    side = options.size // 8
    config = model.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    sample, target = noise((1, 4, side, side), 0), noise((1, 4, side, side), 1)
    context = noise((1, 77, config.cross_attention_dim), 2)
    pixels = float(options.size)
    added = {
        "text_embeds": noise((1, pooled), 3),
        "time_ids": torch.tensor([[pixels, pixels, 0, 0, pixels, pixels]]),
    }
    versions = f"torch {torch.__version__}, diffusers {diffusers_version}, peft {peft_version}"
    print(json.dumps({"versions": versions, "pairs": len(pairs) // 2}), flush=True)
    for step in range(options.steps):
        model.zero_grad(set_to_none=True)
        times = [(time.perf_counter(), time.process_time())]
        output = model(sample, torch.tensor([500.0]), context, added_cond_kwargs=added).sample
        loss = torch.nn.functional.mse_loss(output, target)
        times.append((time.perf_counter(), time.process_time()))
        loss.backward()
        times.append((time.perf_counter(), time.process_time()))
        spans = [[round(b - a, 1) for a, b in zip(*pair)] for pair in zip(times, times[1:])]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = {"step": step + 1, "loss": loss.item(), "there (s, processor s)": spans[0], "back": spans[1], "peak MiB": peak}
        print(json.dumps(line), flush=True)

    if options.gradients:
        told = {}
        for name, parameter in sorted(pairs.items()):
            gradient = parameter.grad.double().flatten()
            wave = torch.cos(0.37 * torch.arange(gradient.numel(), dtype=torch.float64))
            told[name] = {"norm": gradient.norm().item(), "dot": (gradient @ wave).item()}
        with open(options.gradients, "w") as file:
            json.dump({"loss": loss.item(), "gradients": told}, file)


if __name__ == "__main__":
    main()
