"""Seeded normals: PyTorch's CPU generator, and Philox as CUDA's generator draws it.

    python noise.py [--out folder]

Writes noise.json:
  torch   [{seed, shape, values | {head, tail, samples, sum, sumOfSquares}}]: torch.randn on the CPU. Numbers are float32 bit patterns in hexadecimal,
          eight digits each, joined; "samples" are [index, bits] pairs; sums are taken in float64 over the float32 numbers.
  torchSequence  {seed, shapes, values}: several calls on one generator, one after another
  torchIntegers  {seed: hexadecimal}: the first 32-bit outputs of the underlying Mersenne Twister
  philox  [{seed, count, values, second}]: "values" is the first call of `count` numbers, "second" the first eight of the call after it.
          Computed here in float64 and rounded to float32; bit patterns as above.
"""

import numpy
import torch

from common import arguments, quiet, write_json

quiet()

SEEDS = (0, 1, 42, 1234567890, 2**31, 2**32 - 1, 2**32, 2**63 - 1)


def bits(values):
    return numpy.asarray(values, dtype="<f4").view("<u4").flatten().tolist()


def packed(values):
    return "".join(f"{value:08x}" for value in bits(values))


def torch_normals(seed, *shape):
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)).numpy()


def small_cases():
    """Below 16 numbers PyTorch draws pairs in double; from 16 on blocks of 16 in single; a rest redraws the last 16."""
    for seed in SEEDS:
        for count in (1, 2, 5, 6, 15, 16, 17, 31, 32, 37, 64, 100):
            if seed in (0, 42) or count in (5, 15, 16, 37):
                yield {"seed": seed, "shape": [count], "values": packed(torch_normals(seed, count))}
    yield {"seed": 3, "shape": [2, 3], "values": packed(torch_normals(3, 2, 3))}
    yield {"seed": 3, "shape": [1, 4, 5, 7], "values": packed(torch_normals(3, 1, 4, 5, 7))}


def large_cases():
    for seed in (0, 42, 2**32 - 1):
        for shape in ((1, 4, 128, 128), (2, 4, 104, 152), (1, 4, 33, 35)):
            values = torch_normals(seed, *shape).flatten()
            picks = numpy.linspace(0, len(values) - 1, 24).astype(int).tolist()
            yield {
                "seed": seed,
                "shape": list(shape),
                "head": packed(values[:16]),
                "tail": packed(values[-16:]),
                "samples": [[index, f"{bits(values[index])[0]:08x}"] for index in picks],
                "sum": float(values.astype(numpy.float64).sum()),
                "sumOfSquares": float((values.astype(numpy.float64) ** 2).sum()),
            }


def sequence():
    """State carries over: an even and an odd count, a block of 16, a rest. A cached second half of a pair would show here."""
    generator = torch.Generator("cpu").manual_seed(11)
    shapes = [[3], [3], [16], [5], [20], [1], [1]]
    return {"seed": 11, "shapes": shapes, "values": [packed(torch.randn(shape, generator=generator).numpy()) for shape in shapes]}


def integers(seed):
    """NumPy's twister, seeded as PyTorch seeds its own (with the low 32 bits); PyTorch shows the low bits of the same words."""
    twister = numpy.random.MT19937()
    twister._legacy_seeding(seed & 0xFFFFFFFF)
    words = twister.random_raw(16)
    shown = torch.empty(16, dtype=torch.int64).random_(0, 2**24, generator=torch.Generator("cpu").manual_seed(seed))
    assert shown.tolist() == [int(word) & 0xFFFFFF for word in words]
    return "".join(f"{int(word):08x}" for word in words)


def philox_4x32(counter, key):
    """Ten rounds of Philox 4x32 (Salmon et al. 2011) on arrays of counters; uint64 keeps the products whole."""
    c0, c1, c2, c3 = (numpy.asarray(word, dtype=numpy.uint64) for word in counter)
    k0, k1 = (numpy.uint64(word) for word in key)
    low = numpy.uint64(0xFFFFFFFF)
    shift = numpy.uint64(32)
    for _ in range(10):
        first, second = c0 * numpy.uint64(0xD2511F53), c2 * numpy.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (second >> shift) ^ c1 ^ k0, second & low, (first >> shift) ^ c3 ^ k1, first & low
        k0, k1 = (k0 + numpy.uint64(0x9E3779B9)) & low, (k1 + numpy.uint64(0xBB67AE85)) & low
    return c0, c1, c2, c3


def philox_normals(seed, count, call):
    """Number i of the call: counter (call, 0, i, 0), key the seed's two words, the sine half of Box and Muller's pair."""
    index = numpy.arange(count, dtype=numpy.uint64)
    zero = numpy.zeros_like(index)
    x, y, _, _ = philox_4x32((zero + numpy.uint64(call), zero, index, zero), (seed & 0xFFFFFFFF, seed >> 32))
    u = x.astype(numpy.float64) * 2.0**-32 + 2.0**-33
    v = (y.astype(numpy.float64) * 2.0**-32 + 2.0**-33) * (2 * numpy.pi)
    return numpy.sqrt(-2 * numpy.log(u)) * numpy.sin(v)


def philox_cases():
    # What AUTOMATIC1111's web UI prints in its documentation for seed 0.
    published = [-0.92466259, -0.42534415, -2.6438457, 0.14518388]
    assert numpy.allclose(philox_normals(0, 4, 0), published, rtol=1e-7, atol=0)
    for seed in (0, 42, 2**32 - 1, 2**40 + 5):
        count = 1000 if seed < 2**32 else 64
        yield {"seed": seed, "count": count, "values": packed(philox_normals(seed, count, 0)), "second": packed(philox_normals(seed, 8, 1))}


def main():
    out = arguments(__doc__).out
    fixture = {
        "torch": [*small_cases(), *large_cases()],
        "torchSequence": sequence(),
        "torchIntegers": {str(seed): integers(seed) for seed in SEEDS},
        "philox": list(philox_cases()),
    }
    # JavaScript reads larger integers inexactly.
    for case in (*fixture["torch"], *fixture["philox"]):
        case["seed"] = str(case["seed"])
    write_json(f"{out}/noise.json", fixture, indent=None)


if __name__ == "__main__":
    main()
