"""The measures of an audit as one would write them with Pillow and numpy, for speed beside ours: `python audit-pillow.py FOLDER PROCESSES OUT`.

Writes a row an image as a line of JSON to OUT, sorted by name. Whole arrays throughout, float32 where that is enough; one process a core.
"""

import hashlib
import io
import json
import multiprocessing
import pathlib
import sys
import time

import numpy
from PIL import Image

BINS = 36
WORKING_SIDE = 768


def hue_diversity(histogram, coloured):
    if histogram.sum() == 0:
        return 0.0
    share = histogram / histogram.sum()
    distance = numpy.abs(numpy.subtract.outer(numpy.arange(BINS), numpy.arange(BINS)))
    alike = numpy.clip(1 - 10.0 * numpy.minimum(distance, BINS - distance) / 60, 0, None)
    return float(1 / (share @ alike @ share) * min(1.0, coloured / 0.02))


def dhash(image):
    cells = numpy.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=numpy.int16)
    bits = numpy.diff(cells, axis=1) > 1
    return int("".join("1" if bit else "0" for bit in bits.ravel()), 2)


def measures(image):
    original = numpy.asarray(image)
    white = original.min(-1) == 255
    black = original.max(-1) == 0
    scale = WORKING_SIDE / max(image.size)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in image.size]
        small = numpy.asarray(image.resize(size, Image.Resampling.BOX))
    else:
        small = original
    r, g, b = (small[..., c].astype(numpy.float32) for c in range(3))
    # In thousandths luma and its Laplacian are whole numbers, which float32 has exactly.
    luma = 299 * r + 587 * g + 114 * b
    framed = numpy.pad(luma, 1, mode="reflect")
    laplacian = framed[:-2, 1:-1] + framed[2:, 1:-1] + framed[1:-1, :-2] + framed[1:-1, 2:] - 4 * luma
    value, least = numpy.maximum(numpy.maximum(r, g), b), numpy.minimum(numpy.minimum(r, g), b)
    chroma = value - least
    lit = value >= 8
    saturation = 255 * chroma[lit] / value[lit] if lit.any() else numpy.zeros(1)
    counted = chroma >= 16
    # Hues in twelfths of chroma: whole numbers, so that a hue half-way between two bins is in the upper one. As a fraction first, it may fall short.
    safe = numpy.where(chroma == 0, 1, chroma)
    twelfths = 12 * numpy.where(value == r, g - b, numpy.where(value == g, b - r, r - g))
    first = numpy.where(value == r, 0, numpy.where(value == g, BINS // 3, 2 * BINS // 3))
    bins = (numpy.floor((twelfths + chroma) / (2 * safe)) + first)[counted].astype(int) % BINS
    histogram = numpy.bincount(bins, weights=chroma[counted], minlength=BINS)
    rg, yb = r - g, (r + g) / 2 - b
    vivid = chroma >= 128
    rows, columns = ([-(-cell * side // 3) for cell in range(4)] for side in vivid.shape)
    grid = [
        float(vivid[rows[y] : rows[y + 1], columns[x] : columns[x + 1]].mean()) for y in range(3) for x in range(3)
    ]
    deviation = float(saturation.std())
    return {
        "contrast": float(luma.std(dtype=numpy.float64)) / 255_000,
        "brightness": float(luma.mean(dtype=numpy.float64)) / 1000,
        "sharpness": float(laplacian.var(dtype=numpy.float64)) / 1e6,
        "dynamicColours": hue_diversity(histogram, counted.mean()),
        "colourfulness": float(numpy.hypot(rg.std(), yb.std()) + 0.3 * numpy.hypot(rg.mean(), yb.mean())),
        "saturation": float(saturation.mean(dtype=numpy.float64)),
        "saturationDeviation": deviation,
        "hues": (histogram / max(histogram.sum(), 1)).tolist(),
        "vividGrid": grid,
        "whiteShare": float(white.mean()),
        "blackShare": float(black.mean()),
        "clippedHighShare": float((original.max(-1) == 255).mean()),
        "clippedLowShare": float((original.min(-1) == 0).mean()),
        "greyscale": bool((original.min(-1) == original.max(-1)).all()),
        "colourful": bool(saturation.mean() > 120 and deviation < 50),
        "dhash": dhash(image),
    }


def row(path):
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as file:
        image = file.convert("RGB")
    return {
        "name": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": image.width,
        "height": image.height,
        **measures(image),
    }


def main():
    folder, processes, out = sys.argv[1:]
    paths = sorted(pathlib.Path(folder).glob("*.jpg"))
    began = time.perf_counter()
    with multiprocessing.Pool(int(processes)) as pool, open(out, "w", encoding="utf-8") as file:
        for one in pool.imap(row, paths, chunksize=4):
            file.write(json.dumps(one) + "\n")
    print(json.dumps({"images": len(paths), "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
