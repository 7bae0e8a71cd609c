"""PyTorch's gradients as a side of `autodiff.mjs`: a JSON message a line in, an answer a line out.

    python autodiff-torch.py <diffusers folder> <threads>
"""

import json
import os
import sys
import time

folder, threads = sys.argv[1], sys.argv[2]
# The libraries below torch read these once, when they are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = threads

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(int(threads))


class Block(nn.Module):
    """SDXL's residual block, of as many channels in as out."""

    def __init__(self, channels):
        super().__init__()
        self.norm1 = nn.GroupNorm(32, channels, 1e-5)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(256, channels)
        self.norm2 = nn.GroupNorm(32, channels, 1e-5)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x, embedding):
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = hidden + self.time_emb_proj(functional.silu(embedding))[:, :, None, None]
        return x + self.conv2(functional.silu(self.norm2(hidden)))


def image(batch, channels, side):
    return torch.randn(batch, channels, side, side, requires_grad=True)


def conv(batch, channels, side):
    model, x = nn.Conv2d(channels, channels, 3, padding=1), image(batch, channels, side)
    return model, lambda: model(x)


def block(batch, channels, side):
    model, x, embedding = Block(channels), image(batch, channels, side), torch.randn(batch, 256, requires_grad=True)
    return model, lambda: model(x, embedding)


def unet(batch):
    from diffusers import UNet2DConditionModel

    with open(f"{folder}/unet/config.json") as file:
        model = UNet2DConditionModel.from_config(json.load(file))
    config = model.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    sample, times = torch.randn(batch, 4, 16, 16), torch.full((batch,), 500.0)
    context = torch.randn(batch, 77, config.cross_attention_dim)
    added = {"text_embeds": torch.randn(batch, pooled), "time_ids": torch.randn(batch, 6)}
    return model, lambda: model(sample, times, context, added_cond_kwargs=added).sample


def open_case(text):
    what, shape = text.split(":")
    model, compute = {"conv": conv, "block": block, "unet": unet}[what](*map(int, shape.split("x")))
    with torch.no_grad():
        target = torch.randn_like(compute())

    def forward():
        with torch.no_grad():
            compute()

    def both():
        model.zero_grad(set_to_none=True)
        functional.mse_loss(compute(), target).backward()

    return {"forward": forward, "both": both}


tasks = {}
for line in sys.stdin:
    message = json.loads(line)
    if "open" in message:
        tasks = open_case(message["open"])
    start, cpu = time.perf_counter(), time.process_time()
    if "run" in message:
        tasks[message["run"]]()
    times = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    print(json.dumps(times), flush=True)
