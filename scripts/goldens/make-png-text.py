"""Texts in PNG files as Pillow writes them; A1111 and ComfyUI write theirs through it."""

import base64
import io
import os

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common import arguments, write_json

INFOTEXT = "1girl, café\nNegative prompt: bad\nSteps: 28, Sampler: Euler a, CFG scale: 5, Seed: 1, Size: 832x1216"
VALUES = {
    "ASCII": INFOTEXT.replace("é", "e"),
    "Latin-1": INFOTEXT,
    "all of Latin-1 but zero": "".join(map(chr, range(1, 256))),
    "Japanese": "初音ミク, " + INFOTEXT,
    "emoji, joined": "👩‍👩‍👧‍👦 🏳️‍🌈",
    "one letter beyond Latin-1": "Ā",
    "empty": "",
    "long": "a tag, " * 500,
}


def picture(add):
    info = PngInfo()
    add(info)
    out = io.BytesIO()
    Image.new("RGB", (2, 1), (1, 2, 3)).save(out, "png", pnginfo=info)
    return base64.b64encode(out.getvalue()).decode()


def cases():
    for name, value in VALUES.items():
        yield {"name": name, "key": "parameters", "value": value, "plain": True,
               "file": picture(lambda info, v=value: info.add_text("parameters", v))}  # fmt: skip
        yield {"name": name + ", compressed", "key": "Comment", "value": value, "plain": False,
               "file": picture(lambda info, v=value: info.add_text("Comment", v, zip=True))}  # fmt: skip
    for name in ("ASCII", "Japanese"):
        for packed in (False, True):
            yield {"name": f"{name}, iTXt with a language{', compressed' * packed}", "key": "Title", "value": VALUES[name], "plain": False,
                   "file": picture(lambda info, v=VALUES[name], z=packed: info.add_itxt("Title", v, "ja-JP", "題名", zip=z))}  # fmt: skip


if __name__ == "__main__":
    args = arguments(__doc__)
    os.makedirs(os.path.join(args.out, "formats"), exist_ok=True)
    write_json(os.path.join(args.out, "formats", "png-text.json"), list(cases()))
