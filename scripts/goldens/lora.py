"""A random LoRA with convolutions for tiny-sdxl, and what diffusers and PEFT compute with it in float64.

    python lora.py [--out folder]

Reads tiny-sdxl/ and the inputs in networks.safetensors (both committed). Writes
  lora/kohya.safetensors     kohya's keys, float16, beside every third layer of the UNet and all of the encoders'; alphas are not the ranks
  lora/outputs.safetensors   {case}.{output}.{strength}: outputs with the adapters of the case's network at that strength, rounded to float32
  lora/names.json.gz         of a LoRA beside every layer that can have one
    metadata                 what diffusers keeps of PEFT's settings, as it is in a file's `lora_adapter_metadata`
    tensors                  [diffusers' key, kohya's key, shape], read off from where diffusers put which tensor

kohya's names are made from diffusers' by sgm_layout.py, which sgm_keys.py proves; diffusers reads them by its own code.
"""

import json
import os

import torch
from diffusers import DDIMScheduler, StableDiffusionXLPipeline
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

import tiny_sdxl
from common import FIXTURES, arguments, quiet, report, write_json_gz
from gradients import text_encoder, text_encoder_2, unet
from networks import exact_embeddings
from sgm_layout import UNET, clip_name, unet_key

quiet()

SEED = 20
RANK, ALPHA = 2, 3.0
CONV_RANK, CONV_ALPHA = 1, 1.5
STRENGTHS = (1.0, 0.5)
CASES = {
    "unet.odd_154": ("unet", unet, {"sample": "unet.sample_odd", "timesteps": "unet.timesteps_154", "context": "unet.context_154", "pooled": "unet.pooled", "time_ids": "unet.time_ids"}),
    "text_encoder.padded_77": ("text_encoder", text_encoder, {"ids": "text_encoder.ids"}),
    "text_encoder_2.padded_77": ("text_encoder_2", text_encoder_2, {"ids": "text_encoder_2.ids"}),
}


def kohya_name(component, name):
    """`name` without `.weight`."""
    if component == "unet":
        return "lora_unet_" + unet_key(f"{name}.weight", tiny_sdxl.UNET["layers_per_block"]).removeprefix(UNET).removesuffix(".weight").replace(".", "_")
    prefix = {"text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}[component]
    return prefix + clip_name(name).replace(".", "_")


def is_target(component, name):
    if component == "unet":
        return any(part in name for part in (".attentions.", ".resnets.", ".downsamplers.", ".upsamplers."))
    return ".self_attn." in name or ".mlp." in name


def layers(models):
    """(component, name, module) of all that can have a pair."""
    for component in ("unet", "text_encoder", "text_encoder_2"):
        for name, module in models[component].named_modules():
            if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)) and is_target(component, name):
                yield component, name, module


def pair(module, fill):
    """(suffix, tensor) of the pair beside a layer; `fill(shape)` makes values."""
    out, inside, *kernel = module.weight.shape
    rank, alpha = (CONV_RANK, CONV_ALPHA) if kernel and kernel[0] > 1 else (RANK, ALPHA)
    yield ".lora_down.weight", fill((rank, inside, *kernel)) * module.weight[0].numel() ** -0.5
    yield ".lora_up.weight", fill((out, rank, *(1 for _ in kernel))) * (0.3 * rank**0.5 / alpha)
    yield ".alpha", torch.tensor(alpha)


def make(models):
    """Products are about a third of the weight they stand beside: large enough to matter, small enough to stay sane."""
    generator = torch.Generator().manual_seed(SEED)
    everywhere = list(layers(models))
    # diffusers tells the format of an encoder's layers by its attention's last projection, so the encoders have all.
    chosen = [layer for layer in everywhere if layer[0] == "unet"][::3] + [layer for layer in everywhere if layer[0] != "unet"]
    normal = lambda shape: torch.randn(shape, generator=generator)
    return {kohya_name(component, name) + suffix: value.half() for component, name, module in chosen for suffix, value in pair(module, normal)}


def pipeline_of(models):
    return StableDiffusionXLPipeline(tokenizer=None, tokenizer_2=None, scheduler=DDIMScheduler(), **models)


SETTINGS = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_dora", "use_rslora")


def names(models):
    """Every tensor is filled with its own number, by which it is found again under diffusers' name."""
    kohya = {}
    for component, name, module in layers(models):
        for suffix, value in pair(module, torch.ones):
            kohya[kohya_name(component, name) + suffix] = value if suffix == ".alpha" else torch.full(value.shape, float(len(kohya)))
    number = {value.flatten()[0].item(): key for key, value in kohya.items() if not key.endswith(".alpha")}
    pipeline = pipeline_of(models)
    # A copy: the loader takes what it reads out of the dictionary.
    pipeline.load_lora_weights(dict(kohya), adapter_name="all")
    rows, metadata = [], {}
    for component in ("unet", "text_encoder", "text_encoder_2"):
        model = getattr(pipeline, component)
        for key, value in sorted(get_peft_model_state_dict(model, adapter_name="all").items()):
            assert (value == value.flatten()[0]).all()
            rows.append([f"{component}.{key}", number.pop(value.flatten()[0].item()), list(value.shape)])
        settings = model.peft_config["all"].to_dict()
        metadata |= {f"{component}.{field}": settings[field] for field in SETTINGS}
    assert not number, number
    return {"metadata": json.dumps(metadata), "tensors": rows}


def main():
    out = arguments(__doc__.splitlines()[0]).out
    folder = os.path.join(out, "lora")
    os.makedirs(folder, exist_ok=True)
    load = lambda: tiny_sdxl.load(f"{FIXTURES}/tiny-sdxl")
    write_json_gz(f"{folder}/names.json.gz", names(load()))
    inputs = load_file(f"{FIXTURES}/networks.safetensors")
    models = load()
    said = {"ss_network_module": "networks.lora", "ss_network_dim": str(RANK), "ss_network_alpha": str(ALPHA), "ss_v2": "False", "ss_base_model_version": "sdxl_base_v1-0"}
    kohya = make(models)
    save_file(kohya, f"{folder}/kohya.safetensors", said)
    pipeline = pipeline_of(models)
    pipeline.load_lora_weights(f"{folder}/kohya.safetensors", adapter_name="random")
    loaded = [key for network, *_ in CASES.values() for key in get_peft_model_state_dict(getattr(pipeline, network), adapter_name="random")]
    assert 3 * len(loaded) == 2 * len(kohya), "diffusers left something out"
    outputs = {}
    for strength in STRENGTHS:
        pipeline.set_adapters(["random"], [strength])
        for case, (network, compute, keys) in CASES.items():
            model = getattr(pipeline, network).double()
            fed = {name: inputs[key].double() if inputs[key].is_floating_point() else inputs[key] for name, key in keys.items()}
            with torch.no_grad(), exact_embeddings(torch.float64):
                for output, value in compute(model, fed).items():
                    assert value.dtype == torch.float64
                    outputs[f"{case}.{output}.{strength}"] = value.float().contiguous()
    save_file(outputs, f"{folder}/outputs.safetensors")
    for name in ("kohya", "outputs"):
        report(f"{folder}/{name}.safetensors")


if __name__ == "__main__":
    main()
