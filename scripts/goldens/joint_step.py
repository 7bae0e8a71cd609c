"""Goldens of a whole training step of SDXL: both text encoders and the UNet of test/fixtures/tiny-sdxl, one weighted loss.

    python scripts/goldens/joint_step.py

Writes test/fixtures/joint-step.json. Float64. diffusers 0.42.1, transformers 5.23.0, torch 2.15.0.
"""

import json
import math
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures"
TINY = FIXTURES / "tiny-sdxl"


def wave(shape, phase):
    count = math.prod(shape)
    return torch.tensor([math.sin(0.7 * i + phase) for i in range(count)], dtype=torch.float64).reshape(shape)


unet = UNet2DConditionModel.from_pretrained(TINY / "unet").double()
one = CLIPTextModel.from_pretrained(TINY / "text_encoder").double()
two = CLIPTextModelWithProjection.from_pretrained(TINY / "text_encoder_2").double()
vocabulary, length = one.config.vocab_size, one.config.max_position_embeddings
batch, chunks = 2, 2
ids = torch.tensor([[(7 * i + 13 * n + 3) % (vocabulary - 2) for i in range(length)] for n in range(batch * chunks)])
end = 5
context = torch.cat([m(ids, output_hidden_states=True).hidden_states[-2] for m in (one, two)], dim=-1)
context = context.reshape(batch, chunks * length, -1)
last = two(ids, output_hidden_states=True).hidden_states[-1]
rows = last.reshape(batch * chunks * length, -1)[[end, chunks * length + end]]
final = two.text_model.final_layer_norm if hasattr(two, "text_model") else two.final_layer_norm
pooled = two.text_projection(final(rows))
sample, target = wave((batch, unet.config.in_channels, 8, 8), 0.1), wave((batch, unet.config.out_channels, 8, 8), 1.3)
timestep = torch.tensor([31.0, 840.0], dtype=torch.float64)
time_ids = torch.tensor([[64, 64, 0, 0, 64, 64], [80, 96, 3, 7, 64, 64]], dtype=torch.float64)
weights = torch.tensor([0.5, 2.0], dtype=torch.float64)
conditions = {"text_embeds": pooled, "time_ids": time_ids}
output = unet(sample, timestep, encoder_hidden_states=context, added_cond_kwargs=conditions).sample
losses = ((output - target) ** 2).mean(dim=(1, 2, 3))
loss = (losses * weights).mean()
loss.backward()

gradients = {}
for part, network in (("unet", unet), ("textEncoder", one), ("textEncoder2", two)):
    for name, parameter in network.named_parameters():
        if not name.startswith(("text_model", "text_projection")) and part != "unet":
            name = f"text_model.{name}"
        if parameter.grad is None or parameter.grad.abs().max() == 0:
            continue
        flat = parameter.grad.flatten()
        gradients[f"{part}.{name}"] = {"norm": flat.norm().item(), "dot": (flat * wave(flat.shape, 0.4)).sum().item()}

golden = {
    "ids": ids.flatten().tolist(),
    "end": end,
    "loss": loss.item(),
    "losses": losses.tolist(),
    "gradients": gradients,
}
rounded = json.loads(json.dumps(golden), parse_float=lambda text: float(f"{float(text):.9g}"))
(FIXTURES / "joint-step.json").write_text(json.dumps(rounded))
print(len(gradients), loss.item())
