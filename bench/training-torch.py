"""PyTorch's steps of training as a side of `training.mjs`: a JSON message a line in, an answer a line out.

    python training-torch.py '{"folder": …, "threads": 2, "batch": 16, "side": 16, "channelsLast": false}'

Networks and inputs are read from the folder, where the other side has put them. Eager mode, float32.
"""

import json
import os
import sys
import time
from itertools import chain

settings = json.loads(sys.argv[1])
folder, threads = settings["folder"], settings["threads"]
# The libraries below torch read these once, when they are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers import __version__ as diffusers_version
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection
from transformers import __version__ as transformers_version
from transformers import logging

torch.set_num_threads(threads)
logging.disable_progress_bar()

WARM_UP = 10
MAX_NORM, EMA_DECAY = 1.0, 0.999
ADAMW = dict(betas=(0.9, 0.99), weight_decay=0.01)
# Of SDXL's levels: what noise is added costs the same as on any other table.
SCHEDULE = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
TOKENS = 77


def now():
    return dict(seconds=time.perf_counter(), cpu=time.process_time())


def between(start, end):
    return {key: end[key] - start[key] for key in start}


def faster_adamw(parameters):
    """PyTorch has two ways on a CPU: which one it is depends on sizes and processor."""
    times = {}
    for way in ("foreach", "fused"):
        copies = [torch.nn.Parameter(p.detach().clone()) for p in parameters]
        for copy in copies:
            copy.grad = torch.randn_like(copy)
        optimiser = torch.optim.AdamW(copies, lr=1e-3, **ADAMW, **{way: True})
        laps = []
        for _ in range(6):
            start = time.perf_counter()
            optimiser.step()
            laps.append(time.perf_counter() - start)
        times[way] = min(laps[1:])
    return min(times, key=times.get)


class Lesson:
    def __init__(self):
        read = lambda model, part: model.from_pretrained(f"{folder}/{part}", torch_dtype=torch.float32, local_files_only=True)
        self.unet = read(UNet2DConditionModel, "unet").train()
        self.one = read(CLIPTextModel, "text_encoder").train()
        self.two = read(CLIPTextModelWithProjection, "text_encoder_2").train()
        if settings["channelsLast"]:
            self.unet.to(memory_format=torch.channels_last)
        self.inputs = load_file(f"{folder}/inputs.safetensors")
        self.ids = [self.inputs[name].long() for name in ("ids", "ids2")]
        self.chunks = len(self.ids[0]) // settings["batch"]
        networks = (self.unet, self.one, self.two)
        self.parameters = list(chain(*(network.parameters() for network in networks)))
        self.way = faster_adamw(self.parameters)
        groups = [dict(params=list(n.parameters()), lr=lr) for n, lr in zip(networks, (1e-3, 5e-4, 5e-4))]
        self.optimiser = torch.optim.AdamW(groups, **ADAMW, **{self.way: True})
        self.averages = [p.detach().clone() for p in self.parameters]

    def about(self):
        count = sum(p.numel() for p in self.parameters) / 1e6
        return f"torch {torch.__version__}, diffusers {diffusers_version}, transformers {transformers_version}, {self.way} AdamW, {count:.1f} million parameters"

    def loss(self, sample, target, times, weights):
        one = self.one(self.ids[0], output_hidden_states=True)
        two = self.two(self.ids[1], output_hidden_states=True)
        states = torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1)
        context = states.reshape(settings["batch"], self.chunks * TOKENS, -1)
        # The pooled state is that of a caption's first chunk.
        added = {"text_embeds": two.text_embeds[:: self.chunks], "time_ids": self.inputs["timeIds"]}
        output = self.unet(sample, times, encoder_hidden_states=context, added_cond_kwargs=added).sample
        return (((output - target) ** 2).mean(dim=(1, 2, 3)) * weights).mean()

    def drawn(self):
        latents = self.inputs["latents"]
        noise, times = torch.randn_like(latents), torch.randint(0, 1000, (len(latents),))
        return SCHEDULE.add_noise(latents, noise, times), noise, times, self.inputs["weights"]

    def recorded(self):
        return tuple(self.inputs[name] for name in ("sample", "target", "timestep", "weights"))

    def step(self, batch):
        """Loss, length of the gradient, and when these were done: nothing, the batch, loss and gradients, the update."""
        times = [now()]
        sample, *rest = batch()
        if settings["channelsLast"]:
            sample = sample.contiguous(memory_format=torch.channels_last)
        times.append(now())
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(sample, *rest)
        loss.backward()
        times.append(now())
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, MAX_NORM)
        self.optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, self.parameters, 1 - EMA_DECAY)
        times.append(now())
        return loss.item(), norm.item(), times


def run(lesson, count):
    sums = {name: dict(seconds=0.0, cpu=0.0) for name in ("rest", "network", "update")}
    start = now()
    for _ in range(count):
        _, _, times = lesson.step(lesson.drawn)
        for name, spent in zip(sums, map(between, times, times[1:])):
            for key in spent:
                sums[name][key] += spent[key]
    return {**between(start, now()), **sums}


lesson = None
for line in sys.stdin:
    message = json.loads(line)
    if "open" in message:
        lesson = Lesson()
        loss, norm, _ = lesson.step(lesson.recorded)
        run(lesson, WARM_UP)
        answer = dict(loss=loss, norm=norm, about=lesson.about())
    else:
        answer = run(lesson, message["run"])
    print(json.dumps(answer), flush=True)
