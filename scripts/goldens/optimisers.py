"""Optimisers, learning rate schedules, moving averages, clipping and enlargement, as PyTorch and its libraries compute them.

    python optimisers.py [--out folder]

Writes optimisers.json.gz, everything in float64 but the numbers it starts from, which are float32:
  tensors    {name: {shape, start, gradients: [20 steps]}}
  cases      [{optimiser, options, tensor, learningRate, after: {step: values}}]
  schedules  [{kind, peak, warmupSteps, totalSteps, cycles, power, rates: [by step]}] by diffusers
  ema        [{options, decays: [of updates 1, 2, ...]}] by diffusers
  clipping   [{norm, maxNorm, scale}] by torch.nn.utils.clip_grad_norm_, of the first gradients of all tensors times a factor
  bilinear   [{from, to, plane, enlarged}] by torch.nn.functional.interpolate
"""

import numpy
import torch

from common import arguments, quiet, write_json_gz

quiet()

STEPS = 20
KEPT = (1, 2, 5, 10, 20)
SHAPES = {"vector": (7,), "matrix": (4, 6), "convolution": (2, 3, 3, 2)}

ADAMW = [{}, {"weightDecay": 0.1, "beta1": 0.95, "beta2": 0.9}, {"weightDecay": 0, "epsilon": 1e-3}]
ADAFACTOR = [
    {},
    {"warmupInit": True},
    {"relativeStep": False, "scaleParameter": False},
    {"relativeStep": False, "beta1": 0.9, "weightDecay": 0.05},
    {"relativeStep": False, "scaleParameter": False, "clipThreshold": 0.4, "decayRate": -0.5, "epsilon1": 1e-4},
    {"epsilon2": 2.0},
]


def tensors():
    """Parameters of the size of a trained network's; gradients that drift, so that moments matter, with some zeros."""
    numbers = numpy.random.Generator(numpy.random.PCG64(20250322))
    found = {}
    for name, shape in SHAPES.items():
        start = numbers.normal(0, 0.3, shape).astype(numpy.float32)
        drift = numbers.normal(0, 1, shape)
        gradients = [(0.02 * (numbers.normal(0, 1, shape) + drift * numpy.cos(step / 4))).astype(numpy.float32) for step in range(STEPS)]
        for gradient in gradients:
            gradient.flat[0] = 0
        found[name] = {"shape": shape, "start": start, "gradients": gradients}
    return found


def adamw(parameter, learning_rate, o):
    return torch.optim.AdamW([parameter], lr=learning_rate, betas=(o.get("beta1", 0.9), o.get("beta2", 0.999)), eps=o.get("epsilon", 1e-8), weight_decay=o.get("weightDecay", 0.01), foreach=False)


def adafactor(parameter, learning_rate, o):
    from transformers.optimization import Adafactor

    relative = o.get("relativeStep", True)
    return Adafactor(
        [parameter],
        lr=None if relative else learning_rate,
        eps=(o.get("epsilon1", 1e-30), o.get("epsilon2", 1e-3)),
        clip_threshold=o.get("clipThreshold", 1.0),
        decay_rate=o.get("decayRate", -0.8),
        beta1=o.get("beta1"),
        weight_decay=o.get("weightDecay", 0.0),
        scale_parameter=o.get("scaleParameter", True),
        relative_step=relative,
        warmup_init=o.get("warmupInit", False),
    )


def cases(found):
    result = []
    for name, make, every, learning_rate in (("adamw", adamw, ADAMW, 1e-2), ("adafactor", adafactor, ADAFACTOR, 3e-2)):
        for options in every:
            for tensor, data in found.items():
                parameter = torch.nn.Parameter(torch.from_numpy(data["start"]).double())
                optimiser = make(parameter, learning_rate, options)
                after = {}
                for step, gradient in enumerate(data["gradients"], 1):
                    parameter.grad = torch.from_numpy(gradient).double()
                    optimiser.step()
                    if step in KEPT:
                        after[step] = parameter.detach().flatten().tolist()
                result.append({"optimiser": name, "options": options, "tensor": tensor, "learningRate": learning_rate, "after": after})
    return result


def schedules():
    from diffusers.optimization import get_scheduler

    result = []
    for kind, warmup, total, cycles, power in (
        ("constant", 0, 20, 1, 1.0),
        ("constant_with_warmup", 6, 20, 1, 1.0),
        ("linear", 0, 20, 1, 1.0),
        ("linear", 4, 20, 1, 1.0),
        ("cosine", 5, 20, 1, 1.0),
        ("cosine_with_restarts", 0, 20, 3, 1.0),
        ("cosine_with_restarts", 2, 20, 4, 1.0),
        ("polynomial", 3, 20, 1, 2.5),
        ("polynomial", 0, 20, 1, 1.0),
    ):
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
        # The library hands the number of cycles to restarts alone; its cosine has half a period.
        scheduler = get_scheduler(kind, optimiser, num_warmup_steps=warmup, num_training_steps=total, num_cycles=cycles, power=power)
        rates = []
        for _ in range(total + 1):
            rates.append(scheduler.get_last_lr()[0])
            optimiser.step()
            scheduler.step()
        result.append({"kind": kind, "peak": 2e-4, "warmupSteps": warmup, "totalSteps": total, "cycles": cycles, "power": power, "rates": rates})
    return result


def ema():
    from diffusers.training_utils import EMAModel

    result = []
    for options in ({"decay": 0.9}, {"decay": 0.999, "warmup": "power"}, {"decay": 0.9, "warmup": "power", "inverseGamma": 3, "power": 0.75}):
        model = EMAModel(
            [torch.nn.Parameter(torch.zeros(1))],
            decay=options["decay"],
            use_ema_warmup=options.get("warmup") == "power",
            inv_gamma=options.get("inverseGamma", 1),
            power=options.get("power", 2 / 3),
        )
        result.append({"options": options, "decays": [float(model.get_decay(update)) for update in range(1, 41)]})
    return result


def clipping(found):
    result = []
    for factor in (1, 40):
        for max_norm in (1.0, 0.05):
            parameters = []
            for data in found.values():
                parameter = torch.nn.Parameter(torch.zeros(data["shape"], dtype=torch.float64))
                parameter.grad = torch.from_numpy(data["gradients"][0]).double() * factor
                parameters.append(parameter)
            before = parameters[1].grad.flatten()[5].item()
            norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm).item()
            result.append({"factor": factor, "norm": norm, "maxNorm": max_norm, "scale": parameters[1].grad.flatten()[5].item() / before})
    return result


def bilinear():
    numbers = numpy.random.Generator(numpy.random.PCG64(7))
    result = []
    for small, large in (((2, 3), (5, 8)), ((1, 1), (4, 3)), ((4, 4), (4, 4)), ((3, 1), (7, 2))):
        plane = torch.from_numpy(numbers.normal(0, 1, small).astype(numpy.float32))
        enlarged = torch.nn.functional.interpolate(plane[None, None].double(), size=large, mode="bilinear")[0, 0]
        result.append({"from": small, "to": large, "plane": plane.flatten().tolist(), "enlarged": enlarged.flatten().tolist()})
    return result


def main():
    out = arguments(__doc__).out
    found = tensors()
    listed = {
        name: {"shape": data["shape"], "start": data["start"].flatten().tolist(), "gradients": [g.flatten().tolist() for g in data["gradients"]]} for name, data in found.items()
    }
    fixture = {"tensors": listed, "cases": cases(found), "schedules": schedules(), "ema": ema(), "clipping": clipping(found), "bilinear": bilinear()}
    write_json_gz(f"{out}/optimisers.json.gz", fixture)


if __name__ == "__main__":
    main()
