"""What diffusers computes with the full-size single file, in float32, block by block.

    python reference.py <single file> <diffusers folder with the configurations> <output .safetensors>

The parts run one after another, each freed before the next is loaded. Output tensors (F32, ids I64):
  text.ids_1, text.ids_2                     [2, 77], a prompt and the empty prompt, padded with 49407 and with 0
  text_encoder.penultimate                   [2, 77, 768]
  text_encoder_2.penultimate, .text_embeds   [2, 77, 1280], [2, 1280]
  unet.sample, .timesteps, .context, .pooled, .time_ids, and unet.out
  unet.<module>                              outputs of conv_in, time_embedding, add_embedding, each down and up block with its resnets,
                                             attentions and samplers, and mid_block
  vae.latent, vae.image_decoded              [1, 4, 32, 32] -> [1, 3, 256, 256]; the latent is not scaled by the scaling factor
  vae.image, vae.mean, vae.logvar            [1, 3, 256, 256] -> [1, 4, 32, 32]
"""

import gc
import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "goldens"))
from common import quiet

quiet()

from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils as loader
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

# "1girl, solo, silver hair, red eyes, black dress, night sky, empty black background" as CLIP's ids.
PROMPT = [272, 1611, 267, 5797, 267, 3467, 2225, 267, 736, 3095, 267, 1449, 2595, 267, 930, 2390, 267, 7893, 1449, 5994]
START, END = 49406, 49407
record = {}


def keep(name, tensor):
    record[name] = tensor.detach().float().contiguous().clone() if tensor.is_floating_point() else tensor.contiguous().clone()
    if tensor.is_floating_point():
        print(f"{name:45s} {str(list(tensor.shape)):22s} mean {tensor.mean():8.4f}  std {tensor.std():8.4f}", flush=True)
    return tensor


def timed(label, compute):
    start = time.time()
    result = compute()
    print(f"-- {label}: {time.time() - start:.1f} s", flush=True)
    return result


def text(path, folder):
    def ids(padding):
        rows = [[START, *words, END] for words in (PROMPT, [])]
        return torch.tensor([row + [padding] * (77 - len(row)) for row in rows])

    checkpoint = loader.load_single_file_checkpoint(path)
    for name, cls, padding in (("text_encoder", CLIPTextModel, END), ("text_encoder_2", CLIPTextModelWithProjection, 0)):
        model = timed(
            f"load {name}",
            lambda: loader.create_diffusers_clip_model_from_ldm(cls, checkpoint, subfolder=name, config=folder, torch_dtype=torch.float32, local_files_only=True),
        )
        rows = keep("text.ids_1" if name == "text_encoder" else "text.ids_2", ids(padding))
        out = timed(f"run {name}", lambda: model(rows, output_hidden_states=True))
        keep(f"{name}.penultimate", out.hidden_states[-2])
        if name == "text_encoder_2":
            keep(f"{name}.text_embeds", out.text_embeds)
        del model, out
        gc.collect()


def unet(path, folder, generator):
    model = timed("load unet", lambda: UNet2DConditionModel.from_single_file(path, config=folder, subfolder="unet", torch_dtype=torch.float32, local_files_only=True))
    model.eval()
    sample = keep("unet.sample", torch.randn((2, 4, 32, 32), generator=generator))
    timesteps = keep("unet.timesteps", torch.tensor([999.0, 421.5]))
    context = keep("unet.context", torch.cat([record["text_encoder.penultimate"], record["text_encoder_2.penultimate"]], dim=-1))
    pooled = keep("unet.pooled", record["text_encoder_2.text_embeds"])
    time_ids = keep("unet.time_ids", torch.tensor([[256.0, 256.0, 0.0, 0.0, 256.0, 256.0], [1024.0, 1536.0, 64.0, 8.0, 832.0, 1216.0]]))

    modules = {name: getattr(model, name) for name in ("conv_in", "time_embedding", "add_embedding", "mid_block")}
    for side in ("down_blocks", "up_blocks"):
        for index, block in enumerate(getattr(model, side)):
            modules[f"{side}.{index}"] = block
            for part in ("resnets", "attentions", "downsamplers", "upsamplers"):
                for number, module in enumerate(getattr(block, part, None) or []):
                    modules[f"{side}.{index}.{part}.{number}"] = module
    for part in ("resnets", "attentions"):
        for number, module in enumerate(getattr(model.mid_block, part)):
            modules[f"mid_block.{part}.{number}"] = module

    def hook(name):
        def run(_module, _inputs, output):
            while not torch.is_tensor(output):
                output = output[0] if isinstance(output, tuple) else output.sample
            keep(f"unet.{name}", output)

        return run

    hooks = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    keep("unet.out", timed("run unet", lambda: model(sample, timesteps, context, added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids}).sample))
    for handle in hooks:
        handle.remove()
    timed("run unet again, without recording", lambda: model(sample, timesteps, context, added_cond_kwargs={"text_embeds": pooled, "time_ids": time_ids}).sample)


def vae(path, folder, generator):
    model = timed("load vae", lambda: AutoencoderKL.from_single_file(path, config=folder, subfolder="vae", torch_dtype=torch.float32, local_files_only=True))
    model.eval()
    latent = keep("vae.latent", torch.randn((1, 4, 32, 32), generator=generator))
    keep("vae.image_decoded", timed("decode", lambda: model.decode(latent).sample))
    # Smooth areas and edges, as a picture has them.
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 256), torch.linspace(-1, 1, 256), indexing="ij")
    channels = [torch.sin(3 * rows + 2 * columns), rows * columns, torch.where(rows**2 + columns**2 < 0.4, 0.9, -0.7)]
    image = keep("vae.image", torch.stack(channels)[None] * 0.9)
    distribution = timed("encode", lambda: model.encode(image).latent_dist)
    keep("vae.mean", distribution.mean)
    keep("vae.logvar", distribution.logvar)


def main():
    path, folder, out = sys.argv[1:4]
    generator = torch.Generator().manual_seed(20250322)
    with torch.no_grad():
        for part in (lambda: text(path, folder), lambda: unet(path, folder, generator), lambda: vae(path, folder, generator)):
            part()
            gc.collect()
    save_file(record, out)
    print(f"{out}: {len(record)} tensors, {os.path.getsize(out):,} bytes")


if __name__ == "__main__":
    main()
