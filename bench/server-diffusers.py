"""diffusers and transformers in float32 as a side of `compare.mjs`: a JSON message a line in, an answer a line out.

    python server-diffusers.py <diffusers folder> <threads>
"""

import json
import os
import re
import sys
import time

folder, threads = sys.argv[1], sys.argv[2]
# The libraries below torch read these once, when they are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = threads
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

torch.set_num_threads(int(threads))
CLASSES = {
    "text_encoder": (CLIPTextModel, "text_encoder"),
    "text_encoder_2": (CLIPTextModelWithProjection, "text_encoder_2"),
    "unet": (UNet2DConditionModel, "unet"),
    "decode": (AutoencoderKL, "vae"),
    "encode": (AutoencoderKL, "vae"),
}
models = {}


def memory():
    with open("/proc/self/status") as file:
        status = file.read()

    def field(name):
        return round(int(re.search(rf"^{name}:\s+(\d+) kB", status, re.M)[1]) / 1024)

    return {"anon": field("RssAnon"), "file": field("RssFile"), "peak": field("VmHWM")}


def load(network):
    cls, part = CLASSES[network]
    return cls.from_pretrained(folder, subfolder=part, torch_dtype=torch.float32, local_files_only=True).eval()


def compute(network, feeds):
    model = models[network]
    with torch.inference_mode():
        if network == "unet":
            added = {"text_embeds": feeds["pooled"], "time_ids": feeds["timeIds"]}
            return model(feeds["sample"], feeds["timestep"], feeds["context"], added_cond_kwargs=added).sample
        if network == "decode":
            return model.decode(feeds["latents"]).sample
        if network == "encode":
            return model.encode(feeds["image"]).latent_dist.mean
        return model(feeds["ids"], output_hidden_states=True).hidden_states[-2]


def feed(path, shape):
    whole = os.path.basename(path) in ("ids", "endRows")
    return torch.from_numpy(np.fromfile(path, dtype=np.int64 if whole else np.float32).reshape(shape))


def timed(task):
    start, cpu = time.perf_counter(), time.process_time()
    result = task()
    return result, {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def answer(message):
    if "open" in message:
        models[message["open"]], times = timed(lambda: load(message["open"]))
        return {**times, **memory()}
    feeds = {name: feed(f"{message['folder']}/{name}", shape) for name, shape in message["shapes"].items()}
    output, times = timed(lambda: compute(message["run"], feeds))
    output.contiguous().numpy().tofile(f"{message['folder']}/output")
    return {**times, **memory()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
