"""A random model of SDXL's topology with small, deliberately uneven sizes, as diffusers and transformers build it.

Every width, head count and layer count differs from its neighbour where SDXL's design allows it, so that a value read from the
wrong place shows. Weights are float16 numbers: the folder stays small, and every precision starts from the same values.
"""

import torch

SEED = 3035

UNET = dict(
    sample_size=8,
    in_channels=4,
    out_channels=4,
    block_out_channels=(16, 32, 32),
    layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    transformer_layers_per_block=(1, 1, 2),
    attention_head_dim=(1, 2, 4),
    cross_attention_dim=48,
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=8,
    projection_class_embeddings_input_dim=24 + 6 * 8,
    norm_num_groups=16,
)
# The vocabulary ends with the start and the end token, as CLIP's does. `eos_token_id=2` is what SDXL's own configurations say; it makes
# transformers pool at the largest id, which is the end token.
TEXT_ENCODER = dict(
    vocab_size=1000, hidden_size=16, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2, max_position_embeddings=77,
    hidden_act="quick_gelu", projection_dim=16, bos_token_id=998, eos_token_id=2, pad_token_id=1,
)
TEXT_ENCODER_2 = dict(
    vocab_size=1000, hidden_size=32, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=77,
    hidden_act="gelu", projection_dim=24, bos_token_id=998, eos_token_id=2, pad_token_id=1,
)
VAE = dict(
    in_channels=3,
    out_channels=3,
    latent_channels=4,
    block_out_channels=(8, 16, 24, 24),
    layers_per_block=2,
    down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4,
    norm_num_groups=8,
    sample_size=64,
    scaling_factor=0.13025,
)
START, END = 998, 999


def build():
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    return {
        "unet": UNet2DConditionModel(**UNET),
        "text_encoder": CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER)),
        "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**TEXT_ENCODER_2)),
        "vae": AutoencoderKL(**VAE),
    }


def randomise(model, generator):
    """Norms near one, biases small and not zero, matrices at 1/sqrt(fan in): every parameter matters and outputs stay near one."""
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1:
                value = 0.1 * noise + (1 if "norm" in name and name.endswith("weight") else 0)
            elif "position_embedding" in name or "token_embedding" in name:
                value = 0.5 * noise
            else:
                value = noise / parameter[0].numel() ** 0.5
            parameter.copy_(value.half().float())
    return model.eval().requires_grad_(False)


def make():
    generator = torch.Generator().manual_seed(SEED)
    return {name: randomise(model, generator) for name, model in build().items()}


def load(folder):
    """The committed folder in float32, read by diffusers and transformers themselves."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    classes = {"unet": UNet2DConditionModel, "text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection, "vae": AutoencoderKL}
    return {
        name: cls.from_pretrained(f"{folder}/{name}", torch_dtype=torch.float32, local_files_only=True).eval().requires_grad_(False)
        for name, cls in classes.items()
    }
