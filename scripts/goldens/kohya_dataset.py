"""What kohya's sd-scripts reads out of data set files: each image's repeats, caption and bucket.

    python kohya_dataset.py SD_SCRIPTS                    writes kohya-dataset.json.gz for the tests
    python kohya_dataset.py SD_SCRIPTS --read FILE.toml   prints what it makes of a file, such as `illustrious audit balance` writes

SD_SCRIPTS is a copy of github.com/kohya-ss/sd-scripts (48d368fa, 16 February 2026) in an environment with its own requirements, of which
bitsandbytes and what only optimisers need may be missing; nothing is trained.
"""

import argparse
import contextlib
import json
import random
import sys
import tempfile
from pathlib import Path

from common import FIXTURES, write_json_gz

# Images that are smaller than a step, and not enlarged, stop sd-scripts with a division by zero.
SIDES = (80, 2200)
IMAGES = 60

CONFIGS = {
    "its own bounds": "resolution = 1024\nenable_bucket = true\nmin_bucket_reso = 256\nmax_bucket_reso = 1024",
    "not enlarged": "resolution = 1024\nenable_bucket = true\nbucket_no_upscale = true",
    "fine steps": "resolution = 512\nenable_bucket = true\nbucket_reso_steps = 32\nmin_bucket_reso = 256\nmax_bucket_reso = 1024",
    "small": "resolution = 128\nenable_bucket = true\nbucket_reso_steps = 16\nmin_bucket_reso = 64\nmax_bucket_reso = 256",
    "small, not enlarged": "resolution = 128\nenable_bucket = true\nbucket_reso_steps = 16\nmin_bucket_reso = 64\n"
    "max_bucket_reso = 256\nbucket_no_upscale = true",
    "wide": "resolution = [768, 512]\nenable_bucket = true\nmin_bucket_reso = 384\nmax_bucket_reso = 1536",
    "no buckets": "resolution = 512\nenable_bucket = false",
}


def opened(sd_scripts):
    sys.path.insert(0, sd_scripts)
    from library import config_util, strategy_base, strategy_sd, train_util

    # As its trainers do, once; latents are not cached.
    if strategy_base.LatentsCachingStrategy.get_strategy() is None:
        strategy = strategy_sd.SdSdxlLatentsCachingStrategy(False, False, 1, False)
        strategy_base.LatentsCachingStrategy.set_strategy(strategy)
    return config_util, train_util


def read(sd_scripts, file):
    config_util, train_util = opened(sd_scripts)
    parser = argparse.ArgumentParser()
    train_util.add_dataset_arguments(parser, True, True, True)
    train_util.add_training_arguments(parser, True)
    train_util.add_sd_models_arguments(parser)
    config_util.add_config_arguments(parser)
    arguments = parser.parse_args(["--dataset_config", str(file)])
    user = config_util.load_user_config(arguments.dataset_config)
    generator = config_util.BlueprintGenerator(config_util.ConfigSanitizer(True, True, False, True))
    blueprint = generator.generate(user, arguments)
    made = config_util.generate_dataset_group_by_blueprint(blueprint.dataset_group)
    group = made[0] if isinstance(made, tuple) else made
    images = []
    for number, dataset in enumerate(group.datasets):
        for info in dataset.image_data.values():
            facts = {"dataset": number, "repeats": info.num_repeats, "caption": info.caption}
            sizes = {"bucket": list(info.bucket_reso), "resized": list(info.resized_size)}
            images.append({"path": info.absolute_path, **facts, **sizes})
    return sorted(images, key=lambda image: (image["dataset"], image["path"]))


def set_in(root, draw):
    """Pictures of one colour and their captions, some in two lines, some with none."""
    from PIL import Image

    images = []
    for i in range(IMAGES):
        folder = "a" if i % 3 else "b"
        low, high = SIDES
        # As even on a logarithmic scale as sizes and aspects of people's sets are not.
        width, height = (round(low * (high / low) ** draw.random()) for _ in range(2))
        name = f"{folder}/{i:02}.png"
        (root / folder).mkdir(exist_ok=True)
        Image.new("RGB", (width, height), "grey").save(root / name)
        caption = [f"picture {i}, grey", f"picture {i}\nin two lines ", None, "  "][draw.choice([0, 0, 0, 1, 2, 3])]
        if caption is not None:
            (root / name).with_suffix(".txt").write_text(caption, encoding="utf-8")
        images.append({"name": name, "width": width, "height": height, "caption": caption})
    return images


def golden(sd_scripts):
    draw = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        images = set_in(root, draw)
        found = {}
        for name, options in CONFIGS.items():
            subsets = [f'image_dir = "{root}/a"\nnum_repeats = 3', f'image_dir = "{root}/b"\nclass_tokens = "grey thing"']
            lines = ["[general]", 'caption_extension = ".txt"', "[[datasets]]", options, "batch_size = 2"]
            text = "\n".join(lines + [f"[[datasets.subsets]]\n{subset}" for subset in subsets])
            (root / "set.toml").write_text(text + "\n", encoding="utf-8")
            read_by = read(sd_scripts, root / "set.toml")
            found[name] = {
                "options": options,
                "images": [{**image, "path": str(Path(image["path"]).relative_to(root))} for image in read_by],
            }
        return {"images": images, "configs": found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sd_scripts")
    parser.add_argument("--read", metavar="FILE.toml")
    parser.add_argument("--out", default=FIXTURES)
    given = parser.parse_args()
    # Its own words go elsewhere, so that an answer can be piped.
    with contextlib.redirect_stdout(sys.stderr):
        answer = read(given.sd_scripts, given.read) if given.read else golden(given.sd_scripts)
    if given.read:
        print(json.dumps(answer, indent=1, ensure_ascii=False))
    else:
        write_json_gz(Path(given.out) / "kohya-dataset.json.gz", answer)
