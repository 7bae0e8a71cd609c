"""Converts diffusers' UNet to OpenVINO's own format, weights in float16 as the folder has them. Once.

    python openvino-convert.py <diffusers folder> <output .xml>
"""

import argparse

import openvino
import torch
from diffusers import UNet2DConditionModel
from openvino.frontend.pytorch.patch_model import __make_16bit_traceable as make_16bit_traceable

from record import step_inputs


class Step(torch.nn.Module):
    """The UNet with every input by position, in float32."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, sample, timestep, encoder_hidden_states, text_embeds, time_ids):
        added = {"text_embeds": text_embeds, "time_ids": time_ids}
        return self.model(sample, timestep, encoder_hidden_states, added_cond_kwargs=added, return_dict=False)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="diffusers folder with unet/")
    parser.add_argument("out", help="file to write; the weights go beside it as .bin")
    options = parser.parse_args()
    model = UNet2DConditionModel.from_pretrained(f"{options.folder}/unet", torch_dtype=torch.float16, local_files_only=True).eval()
    # The weights stay float16 and the arithmetic is traced in float32: half the memory of a float32 model, and the same file.
    make_16bit_traceable(model)
    example = {name: torch.from_numpy(value) for name, value in step_inputs(32).items()}
    with torch.no_grad():
        converted = openvino.convert_model(Step(model), example_input=example)
    # Not compressed further: that would also round the frequencies of the timestep embedding to float16.
    openvino.save_model(converted, options.out, compress_to_fp16=False)


if __name__ == "__main__":
    main()
