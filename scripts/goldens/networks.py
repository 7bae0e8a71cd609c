"""A tiny random SDXL and what diffusers and transformers compute with it, in float32 and in float64.

    python networks.py [--out folder]

Writes
  tiny-sdxl/               the model, a diffusers folder of float16 weights without tokenizers
  networks.safetensors     inputs (F32, I64) and outputs (F32 and F64)
  networks.json            the cases: which tensors are the inputs and which the outputs

The float64 outputs are exact for practical purposes: diffusers' sinusoidal embeddings, which it computes in float32 whatever the model's
type, are computed in float64 for them. The float32 outputs are diffusers' own, untouched.
"""

import os

import torch

import tiny_sdxl
from common import arguments, quiet, report, write_json

quiet()

import diffusers.models.embeddings as embeddings
from diffusers import DDIMScheduler
from safetensors.torch import save_file

LATENT_SHAPES = {"square": (8, 8), "wide": (8, 16), "tall": (16, 8), "odd": (9, 13)}
CONTEXT_LENGTHS = (77, 154, 231)
# One timestep a row, whole and fractional, at and near both ends.
TIMESTEPS = {77: [999.0, 0.0], 154: [500.5, 37.25], 231: [958.0, 0.3125]}
IMAGE_SHAPES = {"square": (2, 32, 32), "tall": (1, 48, 24)}


class Recorder:
    """Runs each case at both precisions and keeps tensors under readable names."""

    def __init__(self, models):
        self.models = models
        self.tensors = {}
        self.cases = []

    def input(self, name, value):
        self.tensors[name] = value.contiguous()
        return value

    def case(self, name, network, inputs, compute):
        """`compute(model, dtype)` returns {output name: tensor}."""
        outputs = {}
        for dtype, suffix in ((torch.float32, "float32"), (torch.float64, "float64")):
            model = self.models[network].to(dtype)
            with torch.no_grad(), exact_embeddings(dtype):
                results = compute(model, dtype)
            for output, value in results.items():
                assert value.dtype == dtype, (name, output, value.dtype)
                key = f"{name}.{output}.{suffix}"
                self.tensors[key] = value.contiguous().clone()
                outputs.setdefault(output, {"shape": list(value.shape)})[suffix] = key
            model.float()
        for output, entry in outputs.items():
            exact = self.tensors[entry["float64"]]
            entry["largest"] = exact.abs().max().item()
            entry["float32Error"] = (exact - self.tensors[entry["float32"]].double()).abs().max().item()
        self.cases.append({"name": name, "network": network, "inputs": inputs, "outputs": outputs})


class exact_embeddings:
    """Replaces diffusers' float32 sinusoid by the same formula in float64 while a float64 model runs."""

    def __init__(self, dtype):
        self.replace = dtype == torch.float64

    def __enter__(self):
        self.original = embeddings.get_timestep_embedding
        if self.replace:
            embeddings.get_timestep_embedding = sinusoid

    def __exit__(self, *_):
        embeddings.get_timestep_embedding = self.original


def sinusoid(timesteps, embedding_dim, flip_sin_to_cos=False, downscale_freq_shift=1, scale=1, max_period=10000):
    half = embedding_dim // 2
    exponent = torch.arange(half, dtype=torch.float64) / (half - downscale_freq_shift)
    angles = scale * timesteps.double()[:, None] * (float(max_period) ** -exponent)[None, :]
    parts = [angles.cos(), angles.sin()] if flip_sin_to_cos else [angles.sin(), angles.cos()]
    return torch.cat(parts, dim=-1)


def unet_cases(recorder, generator):
    def random(*shape):
        return torch.randn(shape, generator=generator)

    width = tiny_sdxl.UNET["cross_attention_dim"]
    contexts = {length: recorder.input(f"unet.context_{length}", random(2, length, width)) for length in CONTEXT_LENGTHS}
    pooled = recorder.input("unet.pooled", random(2, tiny_sdxl.TEXT_ENCODER_2["projection_dim"]))
    # Original height and width, crop top and left, target height and width: different in the two rows, none of them zero in one.
    time_ids = recorder.input("unet.time_ids", torch.tensor([[1024.0, 1536.0, 64.0, 8.0, 832.0, 1216.0], [256.0, 2048.0, 0.0, 0.0, 1024.0, 1024.0]]))
    samples = {name: recorder.input(f"unet.sample_{name}", random(2, 4, *shape)) for name, shape in LATENT_SHAPES.items()}
    timesteps = {length: recorder.input(f"unet.timesteps_{length}", torch.tensor(values)) for length, values in TIMESTEPS.items()}

    for shape_name in LATENT_SHAPES:
        for length in CONTEXT_LENGTHS:
            # Every part once is enough for finding a fault; all of them for every case would only be large.
            with_parts = shape_name == "square" and length == 77

            def compute(unet, dtype):
                parts, hooks = {}, []
                if with_parts:
                    modules = {"conv_in": unet.conv_in, "time_embedding": unet.time_embedding, "add_embedding": unet.add_embedding, "mid_block": unet.mid_block}
                    modules |= {f"down_blocks.{i}": block for i, block in enumerate(unet.down_blocks)}
                    modules |= {f"up_blocks.{i}": block for i, block in enumerate(unet.up_blocks)}
                    for part, module in modules.items():
                        hooks.append(module.register_forward_hook(lambda _m, _i, out, part=part: parts.__setitem__(part, out[0] if isinstance(out, tuple) else out)))
                added = {"text_embeds": pooled.to(dtype), "time_ids": time_ids.to(dtype)}
                out = unet(samples[shape_name].to(dtype), timesteps[length].to(dtype), contexts[length].to(dtype), added_cond_kwargs=added).sample
                for hook in hooks:
                    hook.remove()
                return {"sample": out, **parts}

            inputs = {
                "sample": f"unet.sample_{shape_name}",
                "timesteps": f"unet.timesteps_{length}",
                "context": f"unet.context_{length}",
                "pooled": "unet.pooled",
                "time_ids": "unet.time_ids",
            }
            recorder.case(f"unet.{shape_name}_{length}", "unet", inputs, compute)


def text_cases(recorder, generator):
    """Three rows of 77: the end token early, in the middle, and in the last place; padded as SDXL pads (end token, then 0)."""
    for network, padding in (("text_encoder", tiny_sdxl.END), ("text_encoder_2", 0)):
        ids = torch.full((3, 77), padding)
        for row, length in enumerate((0, 30, 75)):
            words = torch.randint(1, tiny_sdxl.START, (length,), generator=generator)
            ids[row, : length + 2] = torch.cat([torch.tensor([tiny_sdxl.START]), words, torch.tensor([tiny_sdxl.END])])
        recorder.input(f"{network}.ids", ids)

        def compute(model, _dtype):
            out = model(ids, output_hidden_states=True)
            results = {"penultimate": out.hidden_states[-2], "last_hidden_state": out.last_hidden_state}
            # The first encoder has no projection and SDXL never uses its pooled state; it is here for completeness.
            return results | ({"text_embeds": out.text_embeds} if network == "text_encoder_2" else {"pooler_output": out.pooler_output})

        recorder.case(f"{network}.padded_77", network, {"ids": f"{network}.ids"}, compute)


def vae_cases(recorder, generator):
    for name, (batch, height, width) in IMAGE_SHAPES.items():
        image = recorder.input(f"vae.image_{name}", torch.rand((batch, 3, height, width), generator=generator) * 2 - 1)
        latent = recorder.input(f"vae.latent_{name}", torch.randn((batch, 4, height // 8, width // 8), generator=generator))

        def encode(vae, dtype):
            distribution = vae.encode(image.to(dtype)).latent_dist
            return {"mean": distribution.mean, "logvar": distribution.logvar}

        def decode(vae, dtype):
            return {"image": vae.decode(latent.to(dtype)).sample}

        recorder.case(f"vae.encode_{name}", "vae", {"image": f"vae.image_{name}"}, encode)
        recorder.case(f"vae.decode_{name}", "vae", {"latent": f"vae.latent_{name}"}, decode)


def save_model(models, folder):
    for name, model in models.items():
        model.half().save_pretrained(f"{folder}/{name}")
        model.float()
    DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing",
    ).save_pretrained(f"{folder}/scheduler")
    write_json(
        f"{folder}/model_index.json",
        {
            "_class_name": "StableDiffusionXLPipeline",
            "_diffusers_version": diffusers_version(),
            "force_zeros_for_empty_prompt": False,
            "scheduler": ["diffusers", "DDIMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )


def diffusers_version():
    import diffusers

    return diffusers.__version__


def main():
    out = arguments(__doc__).out
    folder = f"{out}/tiny-sdxl"
    save_model(tiny_sdxl.make(), folder)
    recorder = Recorder(tiny_sdxl.load(folder))
    generator = torch.Generator().manual_seed(tiny_sdxl.SEED + 1)
    unet_cases(recorder, generator)
    text_cases(recorder, generator)
    vae_cases(recorder, generator)
    save_file(recorder.tensors, f"{out}/networks.safetensors")
    report(f"{out}/networks.safetensors")
    import transformers

    about = {
        "model": "tiny-sdxl",
        "versions": {"torch": torch.__version__.split("+")[0], "diffusers": diffusers_version(), "transformers": transformers.__version__},
        "tensors": "networks.safetensors",
        "cases": recorder.cases,
    }
    write_json(f"{out}/networks.json", about)
    for case in recorder.cases:
        for output, entry in case["outputs"].items():
            print(f"{case['name']}.{output}: largest {entry['largest']:.3g}, float32 error {entry['float32Error']:.2g}")
    for root, _, files in os.walk(folder):
        for file in files:
            report(f"{root}/{file}")


if __name__ == "__main__":
    main()
