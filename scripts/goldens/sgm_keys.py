"""Which key of a single-file SDXL checkpoint holds what, by diffusers' own conversion.

    python sgm_keys.py [--out folder]

Writes sgm-keys.json.gz: for SDXL base ("full") and for tiny-sdxl ("tiny") a list of
  {"key", "shape", "targets": [{"component", "name", "shape", "rows"?, "transposed"?, "squeezed"?}]}
"rows" are the first and the one-past-last row of a packed tensor that go to that target; an empty "targets" marks a tensor that diffusers
ignores. The correspondence is read off the output of diffusers' converters: each row of each tensor going in carries its own number.
"""

import sys
import tempfile
from types import SimpleNamespace

import torch
from diffusers.loaders import single_file_utils as loader

import sdxl_config
import sgm_layout
import tiny_sdxl
from common import arguments, quiet, write_json_gz

quiet()

ROWS = 10**6


def marked(shape, number):
    """A tensor of that shape whose row r holds number * ROWS + r everywhere; it takes the memory of one column."""
    if not shape:
        return torch.tensor(number * ROWS)
    rows = torch.arange(shape[0]) + number * ROWS
    return rows.view(-1, *[1] * (len(shape) - 1)).expand(shape)


def convert(checkpoint, models, config):
    """diffusers' four converters, called as its loader calls them."""
    second = SimpleNamespace(config=models["text_encoder_2"].config)
    return {
        "unet": loader.convert_ldm_unet_checkpoint(checkpoint, dict(models["unet"].config)),
        "text_encoder": loader.convert_ldm_clip_checkpoint(checkpoint),
        "text_encoder_2": loader.convert_open_clip_checkpoint(second, checkpoint, prefix=sgm_layout.TEXT_2),
        "vae": loader.convert_ldm_vae_checkpoint(checkpoint, dict(models["vae"].config)),
    }


def correspondence(config):
    models = sdxl_config.build(config)
    expected = {
        component: {(sgm_layout.clip_name(name) if component.startswith("text") else name): list(value.shape) for name, value in model.state_dict().items()}
        for component, model in models.items()
    }
    plan = sgm_layout.plan(models, config)
    shapes = {key: sgm_layout.single_file_shape(key, [expected[component][name] for component, name in names]) for key, names in plan.items()}
    shapes |= {key: shape for key, (shape, _) in sgm_layout.UNUSED.items()}
    keys = sorted(shapes)
    checkpoint = {key: marked(shapes[key], number) for number, key in enumerate(keys)}

    targets = {key: [] for key in keys}
    for component, tensors in convert(checkpoint, models, config).items():
        found = {name for name in tensors if not name.endswith("position_ids")}
        assert found == set(expected[component]), (component, found ^ set(expected[component]))
        for name in sorted(found):
            tensor = tensors[name]
            assert list(tensor.shape) == expected[component][name], (name, tensor.shape, expected[component][name])
            key = keys[int(tensor.flatten()[0]) // ROWS]
            # The numbers of the source's rows stand along the target's rows, or along its columns if it was transposed.
            transposed = tensor.ndim == 2 and tensor.shape[1] > 1 and int(tensor[0, 1]) != int(tensor[0, 0])
            lines = (tensor.T if transposed else tensor).reshape(tensor.shape[1 if transposed else 0], -1)[:, 0] - keys.index(key) * ROWS
            first, last = int(lines[0]), int(lines[-1]) + 1
            assert torch.equal(lines, torch.arange(first, last)), name
            target = {"component": component, "name": name, "shape": list(tensor.shape)}
            if last - first != shapes[key][0]:
                target["rows"] = [first, last]
            if transposed:
                target["transposed"] = True
            if len(shapes[key]) > tensor.ndim:
                target["squeezed"] = True
            targets[key].append(target)
    # Our own plan says the same, in the same order of rows.
    for key in keys:
        targets[key].sort(key=lambda target: target.get("rows", [0])[0])
        assert [(target["component"], target["name"]) for target in targets[key]] == plan.get(key, []), key
    return [{"key": key, "shape": shapes[key], "targets": targets[key]} for key in keys]


def single_file(models, config):
    """A whole checkpoint as a dictionary, from modules with weights."""
    state = {}
    for component, model in models.items():
        for name, value in model.state_dict().items():
            state[component, sgm_layout.clip_name(name) if component.startswith("text") else name] = value
    tensors = {key: sgm_layout.single_file_tensor(key, [state[item] for item in names]) for key, names in sgm_layout.plan(models, config).items()}
    tensors[f"{sgm_layout.TEXT_1}text_model.embeddings.position_ids"] = torch.arange(77)[None]
    tensors[f"{sgm_layout.TEXT_2}logit_scale"] = torch.tensor(4.6052)
    return {key: value.contiguous().clone() for key, value in tensors.items()}


def prove_loading(folder):
    """diffusers loads the tiny model from a single file and from its folder alike, to the last bit."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import save_file
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    models = tiny_sdxl.load(folder)
    with tempfile.TemporaryDirectory() as temporary:
        path = f"{temporary}/tiny.safetensors"
        tensors = single_file(models, tiny_sdxl)
        save_file(tensors, path)
        checkpoint = loader.load_single_file_checkpoint(path)
        loaded = {
            "unet": UNet2DConditionModel.from_single_file(path, config=folder, subfolder="unet", local_files_only=True),
            "vae": AutoencoderKL.from_single_file(path, config=folder, subfolder="vae", local_files_only=True),
        }
        for name, cls in (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection)):
            loaded[name] = loader.create_diffusers_clip_model_from_ldm(cls, checkpoint, subfolder=name, config=folder, local_files_only=True)
        for name, model in models.items():
            for parameter, value in model.state_dict().items():
                assert torch.equal(value, loaded[name].state_dict()[parameter].float()), (name, parameter)
    print("tiny single file loads through diffusers, every parameter equal")


def main():
    out = arguments(__doc__).out
    lists = {"full": correspondence(sdxl_config), "tiny": correspondence(tiny_sdxl)}
    for name, tensors in lists.items():
        print(f"{name}: {len(tensors)} keys, {sum(len(tensor['targets']) for tensor in tensors)} diffusers tensors")
    prove_loading(f"{out}/tiny-sdxl")
    write_json_gz(f"{out}/sgm-keys.json.gz", lists)


if __name__ == "__main__":
    sys.exit(main())
