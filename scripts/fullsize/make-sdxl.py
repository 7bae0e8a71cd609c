"""Writes a full-size SDXL of seeded random numbers: as a single file, as a diffusers folder, or both.

    python make-sdxl.py [--file sdxl.safetensors] [--folder sdxl-diffusers] [--tokenizer folder]

One tensor at a time: memory stays below that of the largest one, twice over.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import struct
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "goldens"))
import sdxl_config
import sgm_layout
from common import quiet

quiet()

# The last layer of each residual branch: resnets, the transformer's attentions, feed-forward and projection, CLIP's two branches.
BRANCH_END = re.compile(r"(conv2|to_out\.0|ff\.net\.2|proj_out|out_proj|mlp\.fc2)\.weight$")
# Dozens of branches add up in one stream; at this size the stream's deviation about doubles from end to end.
DAMPING = 0.35


def random_tensor(component, name, shape):
    """Seeded by its name alone. Matrices keep the deviation of what passes through them, norms are near one, biases small."""
    seed = int.from_bytes(hashlib.sha256(f"{component}/{name}".encode()).digest()[:7], "little")
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    if len(shape) == 1:
        is_norm = "norm" in name and name.endswith("weight")
        return (noise.mul_(0.05).add_(1) if is_norm else noise.mul_(0.02)).half()
    if "embeddings." in name:
        return noise.mul_(0.5).half()
    fan_in = noise[0].numel()
    return noise.mul_((DAMPING if BRANCH_END.search(name) else 1) / fan_in**0.5).half()


def write_safetensors(path, entries, metadata):
    """`entries`: [(key, shape, dtype name, function that makes the tensor)]. Keys in the order of the data, as safetensors likes it."""
    sizes = {"F16": 2, "I64": 8}
    header, offset = {"__metadata__": metadata}, 0
    for key, shape, dtype, _ in entries:
        count = 1
        for length in shape:
            count *= length
        header[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + count * sizes[dtype]]}
        offset += count * sizes[dtype]
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    start = time.time()
    # A half-written checkpoint must never carry the final name.
    with open(f"{path}.tmp", "wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for key, shape, _, make in entries:
            tensor = make().contiguous()
            assert list(tensor.shape) == list(shape), key
            file.write(memoryview(tensor.numpy()).cast("B") if tensor.ndim else tensor.numpy().tobytes())
    os.replace(f"{path}.tmp", path)
    print(f"{path}: {len(entries)} tensors, {os.path.getsize(path):,} bytes, {time.time() - start:.0f} s", flush=True)


def write_file(path, models, shapes):
    plan = sgm_layout.plan(models, sdxl_config)
    entries = [(key, shape, dtype, lambda key=key: unused_tensor(key)) for key, (shape, dtype) in sgm_layout.UNUSED.items()]
    for key, names in plan.items():
        shape = sgm_layout.single_file_shape(key, [shapes[item] for item in names])
        entries.append((key, shape, "F16", lambda key=key, names=names: sgm_layout.single_file_tensor(key, [random_tensor(*item, shapes[item]) for item in names])))
    entries.sort(key=lambda entry: (entry[2] != "I64", entry[0]))
    write_safetensors(path, entries, {"format": "pt"})


def unused_tensor(key):
    return torch.arange(77)[None] if key.endswith("position_ids") else torch.tensor(4.6052).half()


def write_folder(folder, models, shapes, tokenizer):
    for component, model in models.items():
        os.makedirs(f"{folder}/{component}", exist_ok=True)
        model.config.save_pretrained(f"{folder}/{component}") if component.startswith("text") else model.save_config(f"{folder}/{component}")
        names = sorted(name for owner, name in shapes if owner == component)
        entries = [(name, shapes[component, name], "F16", lambda name=name: random_tensor(component, name, shapes[component, name])) for name in names]
        stem = "model" if component.startswith("text") else "diffusion_pytorch_model"
        write_safetensors(f"{folder}/{component}/{stem}.safetensors", entries, {"format": "pt"})
    from diffusers import EulerDiscreteScheduler

    EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading",
    ).save_pretrained(f"{folder}/scheduler")
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        "_diffusers_version": "0.19.0.dev0",
        "force_zeros_for_empty_prompt": True,
        "add_watermarker": None,
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    with open(f"{folder}/model_index.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(index, indent=2) + "\n")
    if tokenizer:
        for name, padding in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
            shutil.copytree(tokenizer, f"{folder}/{name}", dirs_exist_ok=True)
            for file_name in ("tokenizer_config.json", "special_tokens_map.json"):
                path = f"{folder}/{name}/{file_name}"
                os.chmod(path, 0o644)
                with open(path, encoding="utf-8") as file:
                    value = json.load(file)
                value["pad_token"] = padding
                with open(path, "w", encoding="utf-8") as file:
                    file.write(json.dumps(value, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", help="single-file checkpoint to write")
    parser.add_argument("--folder", help="diffusers folder to write")
    parser.add_argument("--tokenizer", help="a CLIP tokenizer folder to copy into the diffusers folder")
    arguments = parser.parse_args()
    models = sdxl_config.build(sdxl_config)
    shapes = {}
    for component, model in models.items():
        for name, value in model.state_dict().items():
            shapes[component, sgm_layout.clip_name(name) if component.startswith("text") else name] = list(value.shape)
    if arguments.file:
        write_file(arguments.file, models, shapes)
    if arguments.folder:
        write_folder(arguments.folder, models, shapes, arguments.tokenizer)


if __name__ == "__main__":
    main()
