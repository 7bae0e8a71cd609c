"""Gradients of tiny-sdxl by PyTorch's autograd in float64: of every parameter in two numbers, of a few parameters and of the inputs in full.

    python gradients.py [--out folder]

Reads tiny-sdxl/ and the inputs in networks.safetensors (both committed). Writes gradients.json.gz: {model, tensors, versions, cases}. A case:
  name, network        "network" is the folder of tiny-sdxl
  inputs               {input: its tensor in networks.safetensors}
  targets              {output: the k of its target}
  loss                 the sum over the outputs of mean((output - target)^2)
  parameters           [{name, k, norm, dot}], all that the loss depends on, by their names in the files of the field (`text_model.` in both encoders)
  unused               names of those that it does not depend on
  full                 {parameter: {shape, values}}, to 12 digits
  inputGradients       {input: {shape, values}}, to 12 digits
  float32Error         the largest ||g32 - g64|| / ||g64|| of any parameter when PyTorch computes in float32

One formula makes every fixed number: wave(i, k) = cos(0.37 i + 0.11 k), i being the index of an element in row-major order and k a whole number.
A target is wave(i, k) with the output's k. "norm" is the Euclidean norm of a parameter's gradient, "dot" its sum of gradient[i] wave(i, k) with the
parameter's k, its place among the network's sorted names. "norm" and "dot" are 0 where the gradient is 0 but for rounding: softmax does not see
a bias on an attention's keys, which moves all scores of a query alike, and a norm with one channel a group does not see what is added to a channel.

Before anything is written each case's gradients must agree with a central difference of the loss along the waves, over all parameters and inputs.
"""

import torch
from safetensors.torch import load_file

import tiny_sdxl
from common import FIXTURES, arguments, quiet, write_json_gz
from networks import diffusers_version, exact_embeddings
from sgm_layout import clip_name

quiet()

RESNET = "down_blocks.1.resnets.0"
TRANSFORMER = "down_blocks.1.attentions.0"
BLOCK = f"{TRANSFORMER}.transformer_blocks.0"
LAYER = "text_model.encoder.layers.0"
# One parameter of each kind, the smallest of its kind where there is a choice.
FULL = {
    "unet.wide_77": [
        "add_embedding.linear_1.bias", "conv_in.weight", "conv_out.bias", "down_blocks.0.downsamplers.0.conv.weight", "time_embedding.linear_2.weight",
        f"{RESNET}.conv_shortcut.weight", f"{RESNET}.norm1.weight", f"{RESNET}.norm1.bias", f"{RESNET}.time_emb_proj.weight",
        f"{TRANSFORMER}.proj_in.weight", f"{BLOCK}.norm2.weight", f"{BLOCK}.norm2.bias", f"{BLOCK}.attn1.to_q.weight", f"{BLOCK}.attn2.to_k.weight",
        f"{BLOCK}.attn2.to_v.weight", f"{BLOCK}.attn1.to_out.0.bias", f"{BLOCK}.ff.net.0.proj.bias",
    ],
    "unet.odd_154": ["conv_in.bias", "down_blocks.0.downsamplers.0.conv.bias", "up_blocks.0.upsamplers.0.conv.bias", "up_blocks.1.upsamplers.0.conv.bias"],
    "text_encoder.padded_77": [
        "text_model.embeddings.token_embedding.weight", f"{LAYER}.self_attn.q_proj.weight", f"{LAYER}.self_attn.v_proj.bias", f"{LAYER}.mlp.fc1.bias",
    ],
    "text_encoder_2.padded_77": [
        "text_model.embeddings.position_embedding.weight", "text_projection.weight", "text_model.final_layer_norm.weight", f"{LAYER}.layer_norm1.weight",
        f"{LAYER}.mlp.fc1.bias",
    ],
    "vae.encode_tall": [
        "encoder.conv_in.weight", "encoder.down_blocks.0.downsamplers.0.conv.weight", "encoder.mid_block.attentions.0.to_q.weight",
        "encoder.mid_block.attentions.0.group_norm.weight", "quant_conv.weight",
    ],
    "vae.decode_tall": ["post_quant_conv.weight", "decoder.up_blocks.2.upsamplers.0.conv.weight", "decoder.mid_block.attentions.0.to_v.weight", "decoder.conv_out.weight"],
}
# A gradient below this share of the case's whole gradient is rounding.
ROUNDING = 1e-13


def wave(shape, k, dtype=torch.float64):
    count = torch.Size(shape).numel()
    return torch.cos(0.37 * torch.arange(count, dtype=torch.float64) + 0.11 * k).reshape(shape).to(dtype)


def unet(model, x):
    added = {"text_embeds": x["pooled"], "time_ids": x["time_ids"]}
    return {"sample": model(x["sample"], x["timesteps"], x["context"], added_cond_kwargs=added).sample}


def text_encoder(model, x):
    return {"penultimate": model(x["ids"], output_hidden_states=True).hidden_states[-2]}


def text_encoder_2(model, x):
    out = model(x["ids"], output_hidden_states=True)
    return {"penultimate": out.hidden_states[-2], "text_embeds": out.text_embeds}


def encode(model, x):
    distribution = model.encode(x["image"]).latent_dist
    # diffusers clamps the logarithm of the variance to [-30, 20]; at the ends its gradient would be 0.
    assert distribution.logvar.abs().max() < 20
    return {"mean": distribution.mean, "logvar": distribution.logvar}


def decode(model, x):
    return {"image": model.decode(x["latent"]).sample}


def unet_inputs(shape, length):
    own = {"sample": f"sample_{shape}", "timesteps": f"timesteps_{length}", "context": f"context_{length}", "pooled": "pooled", "time_ids": "time_ids"}
    return {name: f"unet.{tensor}" for name, tensor in own.items()}


# The network, its function, its inputs, and the inputs that get a gradient.
CASES = {
    "unet.wide_77": ("unet", unet, unet_inputs("wide", 77), ("sample", "context", "pooled")),
    # Odd sizes: a downsampler drops a row or repeats its padding, an upsampler goes to the skip connection's size.
    "unet.odd_154": ("unet", unet, unet_inputs("odd", 154), ("sample", "pooled")),
    "text_encoder.padded_77": ("text_encoder", text_encoder, {"ids": "text_encoder.ids"}, ()),
    "text_encoder_2.padded_77": ("text_encoder_2", text_encoder_2, {"ids": "text_encoder_2.ids"}, ()),
    "vae.encode_tall": ("vae", encode, {"image": "vae.image_tall"}, ("image",)),
    "vae.decode_tall": ("vae", decode, {"latent": "vae.latent_tall"}, ("latent",)),
}


def loss_of(compute, model, x, dtype):
    with exact_embeddings(dtype):
        outputs = compute(model, x)
    loss = sum(((value - wave(value.shape, k, dtype)) ** 2).mean() for k, value in enumerate(outputs.values()))
    return loss, {name: k for k, name in enumerate(outputs)}


def named(model, network):
    """The parameters, sorted by their names in files."""
    rename = clip_name if network.startswith("text") else str
    return dict(sorted((rename(name), value) for name, value in model.named_parameters()))


def gradients(network, compute, model, inputs, wanted, dtype):
    """The loss, and the gradients of parameters and wanted inputs by name; None where the loss does not depend on a parameter."""
    model = model.to(dtype).requires_grad_(True)
    x = {name: value.to(dtype) if value.is_floating_point() else value for name, value in inputs.items()}
    leaves = {name: x[name].clone().requires_grad_(True) for name in wanted}
    loss, targets = loss_of(compute, model, x | leaves, dtype)
    parameters = named(model, network)
    found = torch.autograd.grad(loss, [*parameters.values(), *leaves.values()], allow_unused=True)
    count = len(parameters)
    return loss.item(), targets, dict(zip(parameters, found[:count])), dict(zip(leaves, found[count:]))


def check_by_differences(network, compute, model, inputs, ks, parameters, of_inputs):
    """Moves every parameter and wanted input along its wave at once; returns the relative difference of the two slopes."""
    model = model.double().requires_grad_(False)
    own = named(model, network)
    expected = sum((g * wave(g.shape, ks[name])).sum().item() for name, g in parameters.items() if g is not None)
    expected += sum((g * wave(g.shape, 0)).sum().item() for g in of_inputs.values())
    step = 1e-7

    def moved(sign):
        x = {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()}
        x |= {name: x[name] + sign * step * wave(x[name].shape, 0) for name in of_inputs}
        before = {name: value.clone() for name, value in own.items()}
        for name, value in own.items():
            value += sign * step * wave(value.shape, ks[name])
        loss = loss_of(compute, model, x, torch.float64)[0].item()
        for name, value in own.items():
            value.copy_(before[name])
        return loss

    with torch.no_grad():
        slope = (moved(1) - moved(-1)) / (2 * step)
    return abs(slope - expected) / abs(expected)


def values(gradient):
    # Twelve digits: a third less to store, and a comparison needs no more.
    return {"shape": list(gradient.shape), "values": [float(f"{v:.11e}") if v else 0 for v in gradient.flatten().tolist()]}


def run(name, models, tensors):
    network, compute, input_names, wanted = CASES[name]
    inputs = {key: tensors[tensor] for key, tensor in input_names.items()}
    loss, targets, exact, of_inputs = gradients(network, compute, models[network], inputs, wanted, torch.float64)
    single = gradients(network, compute, models[network], inputs, wanted, torch.float32)[2]
    ks = {parameter: k for k, parameter in enumerate(exact)}
    difference = check_by_differences(network, compute, models[network], inputs, ks, exact, of_inputs)
    assert difference < 1e-6, (name, difference)

    whole = sum((g**2).sum() for g in exact.values() if g is not None).sqrt().item()
    parameters, unused, zero, worst, rounding = [], [], [], 0, 0
    for parameter, gradient in exact.items():
        if gradient is None:
            unused.append(parameter)
            continue
        norm, dot = gradient.norm().item(), (gradient * wave(gradient.shape, ks[parameter])).sum().item()
        if norm < ROUNDING * whole:
            zero.append(parameter)
            rounding = max(rounding, norm)
            norm = dot = 0
        else:
            worst = max(worst, (single[parameter].double() - gradient).norm().item() / norm)
        parameters.append({"name": parameter, "k": ks[parameter], "norm": norm, "dot": dot})
    assert all(parameter.endswith((".bias", "time_emb_proj.weight")) for parameter in zero), zero
    smallest = min((entry for entry in parameters if entry["norm"]), key=lambda entry: entry["norm"])
    print(f"{name}: loss {loss:.6f}, gradient {whole:.4g}, {len(parameters)} parameters, {len(unused)} unused, {len(zero)} with gradient 0 (at most {rounding:.1g})")
    print(f"  smallest norm {smallest['norm']:.3g} ({smallest['name']}); float32 error {worst:.2g}; central difference off by {difference:.2g}")
    return {
        "name": name, "network": network, "inputs": input_names, "targets": targets, "loss": loss, "parameters": parameters, "unused": unused,
        "full": {parameter: values(exact[parameter]) for parameter in FULL[name]},
        "inputGradients": {key: values(gradient) for key, gradient in of_inputs.items()},
        "float32Error": worst,
    }


def main():
    out = arguments(__doc__).out
    models = tiny_sdxl.load(f"{FIXTURES}/tiny-sdxl")
    tensors = load_file(f"{FIXTURES}/networks.safetensors")
    about = {"model": "tiny-sdxl", "tensors": "networks.safetensors", "versions": {"torch": torch.__version__.split("+")[0], "diffusers": diffusers_version()}}
    write_json_gz(f"{out}/gradients.json.gz", about | {"cases": [run(name, models, tensors) for name in CASES]})


if __name__ == "__main__":
    main()
