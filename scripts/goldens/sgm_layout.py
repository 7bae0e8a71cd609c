"""Diffusers names to the keys of a single-file SDXL checkpoint (Stability's `sgm` code base with OpenCLIP's second encoder).

Written from the structure of those modules. `sgm_keys.py` then proves it against diffusers' own loader, which converts the other way.
"""

import re

import torch

UNET = "model.diffusion_model."
TEXT_1 = "conditioner.embedders.0.transformer."
TEXT_2 = "conditioner.embedders.1.model."
VAE = "first_stage_model."


def rename(name, pairs):
    """Applies the first pattern that matches the whole start of `name`."""
    for pattern, replacement in pairs:
        renamed, count = re.subn(rf"^{pattern}", replacement, name)
        if count:
            return renamed
    raise KeyError(name)


def unet_key(name, layers):
    """`layers` is layers_per_block: a down level has that many residual blocks and a downsampler, an up level one more and an upsampler."""
    inner = {
        "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
        "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
    }

    def resnet(rest):
        part, leaf = rest.rsplit(".", 1)
        return f"{inner[part]}.{leaf}"

    if match := re.match(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.*)", name):
        level, kind, index, rest = int(match[1]), match[2], int(match[3]), match[4]
        first = 1 + level * (layers + 1)
        if kind == "downsamplers":
            return f"{UNET}input_blocks.{first + layers}.0.op.{rest.removeprefix('conv.')}"
        return f"{UNET}input_blocks.{first + index}." + (f"0.{resnet(rest)}" if kind == "resnets" else f"1.{rest}")
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name):
        kind, index, rest = match[1], int(match[2]), match[3]
        return f"{UNET}middle_block." + (f"{2 * index}.{resnet(rest)}" if kind == "resnets" else f"1.{rest}")
    if match := re.match(r"up_blocks\.(\d+)\.(resnets|attentions|upsamplers)\.(\d+)\.(.*)", name):
        level, kind, index, rest = int(match[1]), match[2], int(match[3]), match[4]
        first = level * (layers + 1)
        if kind == "upsamplers":
            # It stands behind the attention of the level's last block. SDXL upsamples only at levels that have attention.
            return f"{UNET}output_blocks.{first + layers}.2.{rest}"
        return f"{UNET}output_blocks.{first + index}." + (f"0.{resnet(rest)}" if kind == "resnets" else f"1.{rest}")
    return UNET + rename(
        name,
        [
            (r"time_embedding\.linear_1", "time_embed.0"), (r"time_embedding\.linear_2", "time_embed.2"),
            (r"add_embedding\.linear_1", "label_emb.0.0"), (r"add_embedding\.linear_2", "label_emb.0.2"),
            (r"conv_in", "input_blocks.0.0"), (r"conv_norm_out", "out.0"), (r"conv_out", "out.2"),
        ],
    )


def vae_key(name, levels):
    """The decoder's levels are numbered from the finest in `sgm`, from the coarsest in diffusers."""
    attention = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets", lambda m: f"up.{levels - 1 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d+)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = re.sub(r"mid_block\.attentions\.0\.(.*)\.(\w+)$", lambda m: f"mid.attn_1.{attention[m[1]]}.{m[2]}", name)
    return VAE + name


def open_clip_key(name):
    """One key for q, k and v: the caller stacks the three. Also the caller transposes `text_projection`."""
    inner = {
        "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj",
    }
    if match := re.match(r"text_model\.encoder\.layers\.(\d+)\.self_attn\.[qkv]_proj\.(\w+)$", name):
        return f"{TEXT_2}transformer.resblocks.{match[1]}.attn.in_proj_{match[2]}"
    if match := re.match(r"text_model\.encoder\.layers\.(\d+)\.(.*)\.(\w+)$", name):
        return f"{TEXT_2}transformer.resblocks.{match[1]}.{inner[match[2]]}.{match[3]}"
    return TEXT_2 + rename(
        name,
        [
            (r"text_model\.embeddings\.token_embedding", "token_embedding"),
            (r"text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
            (r"text_model\.final_layer_norm", "ln_final"),
            (r"text_projection\.weight", "text_projection"),
        ],
    )


def clip_name(name):
    """transformers 5.6 dropped the first encoder's `text_model.` prefix; every file of the field still has it."""
    return name if name.startswith(("text_model.", "text_projection.")) else f"text_model.{name}"


def plan(models, config):
    """{single-file key: [(component, diffusers name)]} in a fixed order; three names for a packed q, k, v."""
    keys = {}
    for component, key in (
        ("unet", lambda name: unet_key(name, config.UNET["layers_per_block"])),
        ("text_encoder", lambda name: TEXT_1 + clip_name(name)),
        ("text_encoder_2", open_clip_key),
        ("vae", lambda name: vae_key(name, len(config.VAE["block_out_channels"]))),
    ):
        for name in models[component].state_dict():
            name = clip_name(name) if component.startswith("text") else name
            keys.setdefault(key(name), []).append((component, name))
    order = {"q_proj": 0, "k_proj": 1, "v_proj": 2}
    for names in keys.values():
        if len(names) > 1:
            names.sort(key=lambda item: order[item[1].split(".")[-2]])
    return keys


def single_file_shape(key, shapes):
    """The shape in the single file of what has the given shapes in diffusers."""
    if key.endswith("text_projection"):
        return list(reversed(shapes[0]))
    if ".attn.in_proj_" in key:
        return [sum(shape[0] for shape in shapes), *shapes[0][1:]]
    if re.search(r"\.mid\.attn_1\.(q|k|v|proj_out)\.weight$", key):
        return [*shapes[0], 1, 1]
    return list(shapes[0])


def single_file_tensor(key, tensors):
    """The single file's tensor from diffusers' tensors."""
    if key.endswith("text_projection"):
        return tensors[0].T.contiguous()
    if ".attn.in_proj_" in key:
        return torch.cat(tensors)
    if re.search(r"\.mid\.attn_1\.(q|k|v|proj_out)\.weight$", key):
        return tensors[0][:, :, None, None]
    return tensors[0]


# Tensors of SDXL's single files that no diffusers module has: an index and OpenCLIP's similarity scale.
UNUSED = {f"{TEXT_1}text_model.embeddings.position_ids": ([1, 77], "I64"), f"{TEXT_2}logit_scale": ([], "F16")}
