"""What every maker script shares: where fixtures go, and how they are written so that a second run gives the same bytes."""

import argparse
import gzip
import json
import os

FIXTURES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "test", "fixtures"))


def arguments(description, **paths):
    """Parses `--out` (a folder, the committed fixtures by default) and one required argument for each path named."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", default=FIXTURES, help="folder to write into")
    for name, help_text in paths.items():
        parser.add_argument(name, help=help_text)
    parsed = parser.parse_args()
    os.makedirs(parsed.out, exist_ok=True)
    return parsed


def report(path):
    print(f"{os.path.relpath(path)}: {os.path.getsize(path):,} bytes")


def dump(value, indent=None):
    # `allow_nan=False`: JSON has no infinity, so a fixture must spell one out as a string.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent, separators=None if indent else (",", ":"))


def write_json(path, value, indent=1):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(dump(value, indent) + "\n")
    report(path)


def write_json_gz(path, value):
    # A fixed time stamp and no file name in the gzip header: same content, same bytes.
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0) as packed:
        packed.write(dump(value).encode("utf-8"))
    report(path)


def quiet():
    """The libraries print progress bars and warnings about optional parts; none of it concerns these scripts."""
    import warnings

    warnings.filterwarnings("ignore")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
