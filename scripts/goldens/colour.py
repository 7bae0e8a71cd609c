"""Colour measures of small pictures, by numpy, scikit-image and OpenCV.

    python colour.py [--out folder]

Writes colour.json.gz: [{name, width, height, rgb (base64), workingSide, resized (base64 or null), measures}], and quantiles: {sample, shares, values}.
`measures` has the names of src/colour/measures.ts. Saturation, hue and value come from scikit-image, the Laplacian and the shrinking from
OpenCV, the rest from numpy.
"""

import base64

import cv2
import numpy
from skimage.color import rgb2hsv

from common import arguments, write_json_gz

BINS = 36


def base(array):
    return base64.b64encode(numpy.ascontiguousarray(array, dtype=numpy.uint8).tobytes()).decode("ascii")


def pictures(random):
    yield "noise", random.integers(0, 256, (17, 23, 3)), 768
    # Near black, where saturation is noise, beside colours.
    dark = random.integers(0, 10, (12, 14, 3))
    dark[3:9, 4:11] = random.integers(0, 256, (6, 7, 3))
    yield "nearly black", dark, 768
    rows, columns = numpy.mgrid[0:31, 0:19]
    yield "smooth", numpy.stack([8 * rows % 256, 255 - 13 * columns, 60 + 2 * rows + 3 * columns], -1), 768
    # Few coloured pixels on grey: hue diversity is scaled down.
    grey = numpy.full((40, 40, 3), 127)
    grey[7, 5:15] = (200, 40, 90)
    grey[8, 5:9] = (30, 90, 220)
    yield "specks on grey", grey, 768
    # Exact and clipped values survive in the measures of the original, though shrinking averages them away.
    clipped = random.choice([0, 3, 255, 128], (30, 40, 3))
    clipped[:7, :14] = 255
    clipped[20:, 33:] = 0
    yield "clipped, shrunk", clipped, 21
    yield "noise, shrunk by no whole number", random.integers(0, 256, (41, 57, 3)), 23
    yield "one column", random.integers(0, 256, (9, 1, 3)), 768
    yield "one pixel", numpy.array([[[12, 200, 77]]]), 768


def hue_histogram(rgb):
    hue = rgb2hsv(rgb)[..., 0]
    chroma = rgb.max(-1).astype(float) - rgb.min(-1)
    counted = chroma >= 16
    # Hues half-way between two bins occur; scikit-image's are off by rounding there.
    bins = numpy.floor(numpy.round(hue[counted] * BINS, 9) + 0.5).astype(int) % BINS
    return numpy.bincount(bins, weights=chroma[counted], minlength=BINS), counted.mean()


def diversity(histogram, coloured):
    if histogram.sum() == 0:
        return 0.0
    share = histogram / histogram.sum()
    distance = numpy.abs(numpy.subtract.outer(numpy.arange(BINS), numpy.arange(BINS)))
    degrees = 10.0 * numpy.minimum(distance, BINS - distance)
    alike = numpy.clip(1 - degrees / 60, 0, None)
    return float(1 / (share @ alike @ share) * min(1.0, coloured / 0.02))


def measures(original, rgb):
    r, g, b = (rgb[..., c].astype(float) for c in range(3))
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    hsv = rgb2hsv(rgb)
    lit = hsv[..., 2] * 255 > 7.5
    saturation = hsv[..., 1][lit] * 255 if lit.any() else numpy.zeros(1)
    histogram, coloured = hue_histogram(rgb)
    rg, yb = r - g, (r + g) / 2 - b
    return {
        "contrast": luma.std() / 255,
        "brightness": luma.mean(),
        "sharpness": cv2.Laplacian(luma, cv2.CV_64F, ksize=1, borderType=cv2.BORDER_REFLECT_101).var(),
        "dynamicColours": diversity(histogram, coloured),
        "colourfulness": numpy.hypot(rg.std(), yb.std()) + 0.3 * numpy.hypot(rg.mean(), yb.mean()),
        "saturation": saturation.mean(),
        "saturationDeviation": saturation.std(),
        "hues": (histogram / max(histogram.sum(), 1)).tolist(),
        "whiteShare": (original == 255).all(-1).mean(),
        "blackShare": (original == 0).all(-1).mean(),
        "clippedHighShare": (original == 255).any(-1).mean(),
        "clippedLowShare": (original == 0).any(-1).mean(),
    }


def case(name, picture, side):
    picture = picture.astype(numpy.uint8)
    height, width = picture.shape[:2]
    scale = side / max(width, height)
    small = picture
    if scale < 1:
        small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return {
        "name": name,
        "width": width,
        "height": height,
        "rgb": base(picture),
        "workingSide": side,
        "resized": base(small) if scale < 1 else None,
        "measures": measures(picture, small),
    }


def main():
    out = arguments(__doc__.splitlines()[0]).out
    random = numpy.random.default_rng(8)
    sample = [round(float(x), 6) for x in random.lognormal(0, 2, 37)] + [1.0] * 9
    shares = [0.25, 0.6, 0.9, 0.001, 0.999]
    value = {
        "pictures": [case(*row) for row in pictures(random)],
        "quantiles": {"sample": sample, "shares": shares, "values": numpy.quantile(sample, shares).tolist()},
    }
    write_json_gz(f"{out}/colour.json.gz", value)


main()
