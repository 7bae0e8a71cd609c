"""Noise schedules, timestep spacings and sigma schedules.

    python schedules.py [--out folder]

Writes schedules.json.gz:
  alphasCumprod   {t: [...], base, rescaled: {betas, alphasCumprod, sigmas (null at infinity)} in float64, each with alphasCumprodFloat32 as
                  diffusers computes it; patchedLast: what ComfyUI and diffusers put in place of the zero}
  spacings        [{scheduler, spacing, stepsOffset, steps, timesteps}] by diffusers
  diffusersSigmas [{scheduler, option, steps, rescaled, sigmas, timesteps}] for use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas
  kDiffusion      [{function, steps, sigmaMin, sigmaMax, rho, sigmas}] and discrete: {table: {sigmaToT, sigmaToTNearest, tToSigma}} as lists of
                  [in, out]
  comfy           [{schedule, table, steps, sigmas}]: ComfyUI's published rules, written again here; "ztsnr" ends in its patched value
"""

import math

import numpy
import torch

from common import arguments, quiet, write_json_gz
from doubles import double_scheduler, k_diffusion_external, k_diffusion_sampling
from samplers import BASE, LAST_ALPHA_BAR, alphas_bar

quiet()

STEPS = (10, 20, 28, 30)
TIMES = sorted({*range(0, 1000, 25), 1, 2, 3, 5, 10, 499, 501, 958, 963, 980, 990, 991, 993, 995, 996, 997, 998, 999})
# Published for SDXL by the authors of Align Your Steps: ten steps and the zero.
AYS = [14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582]


def tables():
    from diffusers import DDIMScheduler

    double = double_scheduler("DDIMScheduler")
    fixture = {"t": TIMES, "patchedLast": {"comfy": LAST_ALPHA_BAR, "diffusers": 2.0**-24}}
    for name, zero in (("base", False), ("rescaled", True)):
        scheduler = double(**BASE, rescale_betas_zero_snr=zero)
        published = DDIMScheduler(**BASE, rescale_betas_zero_snr=zero)
        alphas = scheduler.alphas_cumprod
        sigmas = ((1 - alphas) / alphas) ** 0.5
        fixture[name] = {
            "betas": [scheduler.betas[t].item() for t in TIMES],
            "alphasCumprod": [alphas[t].item() for t in TIMES],
            "sigmas": [sigmas[t].item() if math.isfinite(sigmas[t]) else None for t in TIMES],
            "alphasCumprodFloat32": [published.alphas_cumprod[t].item() for t in TIMES],
        }
    return fixture


def spacings():
    cases = []
    for name in ("DDIMScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"):
        for spacing, offset in (("leading", 0), ("leading", 1), ("linspace", 0), ("trailing", 0)):
            for steps in STEPS:
                scheduler = double_scheduler(name)(**BASE, timestep_spacing=spacing, steps_offset=offset)
                scheduler.set_timesteps(steps)
                cases.append({"scheduler": name, "spacing": spacing, "stepsOffset": offset, "steps": steps, "timesteps": scheduler.timesteps.tolist()})
    return cases


def diffusers_sigmas():
    cases = []
    for name in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler"):
        for option in ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"):
            for rescaled in (False, True):
                for steps in (10, 28):
                    scheduler = double_scheduler(name)(**BASE, rescale_betas_zero_snr=rescaled, timestep_spacing="trailing", **{option: True})
                    scheduler.set_timesteps(steps)
                    cases.append(
                        {"scheduler": name, "option": option, "steps": steps, "rescaled": rescaled, "sigmas": scheduler.sigmas.tolist(), "timesteps": scheduler.timesteps.tolist()}
                    )
    return cases


def k_diffusion():
    sampling, external = k_diffusion_sampling(), k_diffusion_external()
    cases, discrete = [], {}
    for table in ("base", "ztsnr"):
        sigmas = ((1 - alphas_bar(table)) / alphas_bar(table)) ** 0.5
        low, high = sigmas[0].item(), sigmas[-1].item()
        for steps in STEPS:
            calls = [("get_sigmas_karras", rho) for rho in (7.0, 3.0)] + [("get_sigmas_exponential", None)] + [("get_sigmas_polyexponential", rho) for rho in (1.0, 0.5, 2.0)]
            for function, rho in calls:
                extra = {} if rho is None else {"rho": rho}
                values = getattr(sampling, function)(steps, low, high, **extra)
                cases.append({"function": function, "steps": steps, "sigmaMin": low, "sigmaMax": high, "rho": rho, "sigmas": values.tolist()})
        schedule = external.DiscreteSchedule(sigmas, quantize=False)
        probes = torch.tensor([0.001, low, 0.03, 0.1, 0.5, 1.0, 1.7745574743, 5.0, 14.0, 14.6, 14.614641, 14.7, 100.0, 3000.0, high, 10 * high])
        times = torch.tensor([0.0, 0.25, 1.0, 37.25, 421.5, 500.0, 958.3, 997.5, 998.5, 999.0])
        discrete[table] = {
            "sigmaToT": [[a.item(), b.item()] for a, b in zip(probes, schedule.sigma_to_t(probes))],
            "sigmaToTNearest": [[a.item(), b.item()] for a, b in zip(probes, schedule.sigma_to_t(probes, quantize=True))],
            "tToSigma": [[a.item(), b.item()] for a, b in zip(times, schedule.t_to_sigma(times))],
        }
    return {"sigmas": cases, "discrete": discrete}


def comfy_schedule(name, sigmas, steps):
    """`sigmas`: the model's 1000, ascending. Most return steps + 1 values, the last one 0."""
    low, high = sigmas[0], sigmas[-1]

    def at(times):
        return numpy.exp(numpy.interp(times, numpy.arange(1000), numpy.log(sigmas)))

    if name == "normal":
        found = at(numpy.linspace(999, 0, steps))
    elif name == "sgm_uniform":
        found = at(numpy.linspace(999, 0, steps + 1)[:-1])
    elif name == "simple":
        found = [sigmas[-(1 + int(i * 1000 / steps))] for i in range(steps)]
    elif name == "ddim_uniform":
        # Every floor(1000/steps)-th from index 1 on: there may be one more than asked for.
        found = sigmas[1 :: max(1000 // steps, 1)][::-1]
    elif name == "beta":
        from scipy import stats

        times = numpy.rint(stats.beta.ppf(1 - numpy.linspace(0, 1, steps, endpoint=False), 0.6, 0.6) * 999).astype(int)
        # A timestep that comes twice is taken once, so fewer than asked for may come back.
        found = [sigmas[t] for i, t in enumerate(times) if i == 0 or t != times[i - 1]]
    elif name == "kl_optimal":
        share = numpy.arange(steps) / (steps - 1)
        found = numpy.tan(share * math.atan(low) + (1 - share) * math.atan(high))
    elif name == "ays":
        # The published eleven for ten steps; otherwise linear in ln sigma over the index. The last one becomes the zero.
        found = numpy.exp(numpy.interp(numpy.linspace(0, 1, steps + 1), numpy.linspace(0, 1, len(AYS)), numpy.log(AYS)))[:-1]
    else:
        raise KeyError(name)
    return [float(value) for value in found] + [0.0]


def comfy():
    cases = []
    for table in ("base", "ztsnr"):
        sigmas = (((1 - alphas_bar(table)) / alphas_bar(table)) ** 0.5).numpy()
        for name in ("normal", "sgm_uniform", "simple", "ddim_uniform", "beta", "kl_optimal") + (("ays",) if table == "base" else ()):
            for steps in (*STEPS, 60):
                cases.append({"schedule": name, "table": table, "steps": steps, "sigmas": comfy_schedule(name, sigmas, steps)})
    return cases


def main():
    out = arguments(__doc__).out
    fixture = {"alphasCumprod": tables(), "spacings": spacings(), "diffusersSigmas": diffusers_sigmas(), "kDiffusion": k_diffusion(), "comfy": comfy()}
    write_json_gz(f"{out}/schedules.json.gz", fixture)


if __name__ == "__main__":
    main()
