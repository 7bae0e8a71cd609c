"""Trajectories of k-diffusion's samplers and diffusers' schedulers on a denoiser that is known exactly, in float64.

    python samplers.py [--out folder]

Writes samplers.json.gz:
  denoiser    {weights, means, deviations}: each of the 8 numbers is drawn from this mixture of Gaussians, independently. With z = alpha x0 +
              sigma eps, component k has r_k ~ weight_k N(z; alpha mean_k, alpha^2 dev_k^2 + sigma^2) and
                D(z) = sum_k r_k (mean_k + alpha dev_k^2 (z - alpha mean_k) / (alpha^2 dev_k^2 + sigma^2)),
              eps = (z - alpha D) / sigma, v = (alpha z - D) / sigma. It is finite at alpha = 0. In k-diffusion's form x = z / alpha, s = sigma / alpha.
  noise       40 rows of 8 normals. A case lists in "noise" which row each draw of the sampler got, in the order of the draws.
  kDiffusion  [{name, sampler, options, table, schedule, steps, sigmas, noise, x}]: x[0] is noise row 0 times sigmas[0], x[i] the state
              before step i, the last x the result.
  diffusers   [{name, scheduler, config, steps, eta?, timesteps, sigmas?, initNoiseSigma, space, noise, x, float32Error}]: space "vp" if x is z, "ve" if
              it is z / alpha. x[0] is noise row 0 times initNoiseSigma. `float32Error` is the largest difference of the published float32 class from
              these numbers, relative to the largest |x|, at the end of the run; null where that class returns NaN.
"""

import math

import numpy
import torch

from common import arguments, quiet, write_json_gz
from doubles import double_scheduler, k_diffusion_sampling

quiet()
torch.set_default_dtype(torch.float64)

WEIGHTS, MEANS, DEVIATIONS = [0.5, 0.3, 0.2], [-1.2, 0.3, 1.5], [0.3, 0.15, 0.5]
NOISE = torch.from_numpy(numpy.random.default_rng(7).standard_normal((40, 8)).round(6))
# ComfyUI's last alpha_bar of a zero-terminal-SNR schedule: sigma_max = 4518.76.
LAST_ALPHA_BAR = 4.8973451890853435e-08


def denoise(z, alpha, sigma):
    z = z.double()
    total, weight = 0, 0
    logs = []
    for share, mean, deviation in zip(WEIGHTS, MEANS, DEVIATIONS):
        variance = alpha**2 * deviation**2 + sigma**2
        logs.append(math.log(share) - 0.5 * torch.as_tensor(variance).log() - (z - alpha * mean) ** 2 / (2 * variance))
    largest = torch.stack(logs).amax(0)
    for log, mean, deviation in zip(logs, MEANS, DEVIATIONS):
        variance = alpha**2 * deviation**2 + sigma**2
        responsibility = (log - largest).exp()
        total = total + responsibility * (mean + alpha * deviation**2 * (z - alpha * mean) / variance)
        weight = weight + responsibility
    return total / weight


def alphas_bar(table):
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    values = torch.cumprod(1 - betas, 0)
    if table == "ztsnr":
        roots = values.sqrt()
        roots = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
        values = roots**2
        values[-1] = LAST_ALPHA_BAR
    return values


def schedule(sampling, table, name, steps):
    """Sigmas from the largest down, with a final zero."""
    sigmas = ((1 - alphas_bar(table)) / alphas_bar(table)) ** 0.5

    def at(t):
        return torch.from_numpy(numpy.exp(numpy.interp(t.numpy(), numpy.arange(1000), sigmas.log().numpy())))

    low, high = sigmas[0].item(), sigmas[-1].item()
    if name == "normal":
        return sampling.append_zero(at(torch.linspace(999, 0, steps)))
    if name == "sgm_uniform":
        return sampling.append_zero(at(torch.linspace(999, 0, steps + 1)[:-1]))
    if name == "karras":
        return sampling.get_sigmas_karras(steps, low, high)
    if name == "exponential":
        return sampling.get_sigmas_exponential(steps, low, high)
    raise KeyError(name)


def rows(values):
    return [value.flatten().tolist() for value in values]


class Draws:
    """Hands out rows of NOISE in order and remembers which. Row 0 is the starting noise."""

    def __init__(self):
        self.used = []

    def __call__(self, *_):
        self.used.append(len(self.used) + 1)
        return NOISE[self.used[-1]][None]


def k_diffusion_cases(sampling):
    stochastic = {"eta": 1.0, "s_noise": 1.0}
    samplers = [
        ("sample_euler", {}),
        ("sample_euler", {"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 50.0, "s_noise": 1.003}),
        ("sample_euler_ancestral", stochastic),
        ("sample_euler_ancestral", {"eta": 0.5, "s_noise": 0.9}),
        ("sample_heun", {}),
        ("sample_heun", {"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 50.0, "s_noise": 1.003}),
        ("sample_dpm_2", {}),
        ("sample_dpm_2_ancestral", stochastic),
        ("sample_lms", {"order": 4}),
        ("sample_dpmpp_2s_ancestral", stochastic),
        ("sample_dpmpp_sde", stochastic),
        ("sample_dpmpp_2m", {}),
        ("sample_dpmpp_2m_sde", stochastic | {"solver_type": "midpoint"}),
        ("sample_dpmpp_2m_sde", stochastic | {"solver_type": "heun"}),
        ("sample_dpmpp_2m_sde", {"eta": 0.5, "s_noise": 0.9, "solver_type": "midpoint"}),
        ("sample_dpmpp_2m_sde", {"eta": 0.0, "s_noise": 1.0, "solver_type": "heun"}),
        ("sample_dpmpp_3m_sde", stochastic),
        ("sample_dpmpp_3m_sde", {"eta": 0.0, "s_noise": 1.0}),
    ]
    schedules = [(table, name, 10) for table in ("base", "ztsnr") for name in ("normal", "karras", "sgm_uniform", "exponential")]
    cases = []
    for sampler, options in samplers:
        for table, name, steps in schedules + [("ztsnr", "sgm_uniform", 28)]:
            if steps == 28 and sampler not in ("sample_euler", "sample_euler_ancestral", "sample_dpmpp_2m"):
                continue
            sigmas = schedule(sampling, table, name, steps)
            draws, states = Draws(), []

            def model(x, sigma):
                s = sigma[0]
                alpha = 1 / (1 + s**2) ** 0.5
                return denoise(x * alpha, alpha, s * alpha)

            extra = dict(options)
            if "eta" in options:
                extra["noise_sampler"] = draws
            # The samplers with churn call this on every step and use it on those where churn acts.
            original, torch.randn_like = torch.randn_like, lambda _x: draws()
            try:
                end = getattr(sampling, sampler)(
                    model, NOISE[0][None] * sigmas[0], sigmas, callback=lambda info: states.append(info["x"].clone()), disable=True, **extra
                )
            finally:
                torch.randn_like = original
            # Without churn those draws are never used.
            noise = draws.used if "eta" in options or "s_churn" in options else []
            label = ",".join(f"{key}={value}" for key, value in options.items())
            cases.append(
                {
                    "name": f"{sampler}({label}) {table} {name} {steps}", "sampler": sampler, "options": options, "table": table, "schedule": name,
                    "steps": steps, "sigmas": sigmas.tolist(), "noise": noise, "x": rows([*states, end]),
                }
            )
    return cases


BASE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def diffusers_list():
    eps = {"prediction_type": "epsilon"}
    v = {"prediction_type": "v_prediction"}
    zero = v | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    for steps in (10, 28):
        for eta in (0.0, 1.0, 0.5):
            yield "DDIMScheduler", zero | {"clip_sample": False}, steps, eta
            yield "DDIMScheduler", eps | {"clip_sample": False, "timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": False}, steps, eta
            yield "DDIMScheduler", eps | {"clip_sample": False, "timestep_spacing": "trailing"}, steps, eta
        yield "DDIMScheduler", v | {"clip_sample": False, "timestep_spacing": "linspace"}, steps, 0.0
        for config in (zero, eps | {"timestep_spacing": "leading", "steps_offset": 1}, eps | {"timestep_spacing": "linspace"}, v | {"timestep_spacing": "trailing"}):
            yield "EulerDiscreteScheduler", config, steps, None
            yield "EulerAncestralDiscreteScheduler", config, steps, None
        yield "EulerDiscreteScheduler", eps | {"timestep_spacing": "leading", "steps_offset": 1, "use_karras_sigmas": True}, steps, None
        for config in (zero, eps | {"timestep_spacing": "leading", "steps_offset": 1}, eps | {"timestep_spacing": "linspace"}):
            for order, solver in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint")):
                yield "DPMSolverMultistepScheduler", config | {"algorithm_type": "dpmsolver++", "solver_order": order, "solver_type": solver}, steps, None
            for solver in ("midpoint", "heun"):
                yield "DPMSolverMultistepScheduler", config | {"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "solver_type": solver}, steps, None
            for order, solver in ((2, "bh1"), (2, "bh2"), (3, "bh1"), (3, "bh2")):
                # With bh1 a final sigma of zero makes 0 times infinity; the smallest sigma of the table is what works.
                final = {"final_sigmas_type": "sigma_min"} if solver == "bh1" else {}
                yield "UniPCMultistepScheduler", config | {"predict_x0": True, "solver_order": order, "solver_type": solver} | final, steps, None
        yield "DPMSolverMultistepScheduler", eps | {"algorithm_type": "dpmsolver++", "solver_order": 2, "timestep_spacing": "linspace", "use_karras_sigmas": True}, steps, None
        yield "UniPCMultistepScheduler", eps | {"predict_x0": False, "solver_order": 2, "solver_type": "bh2", "timestep_spacing": "linspace", "final_sigmas_type": "sigma_min"}, steps, None


def run(cls, name, config, steps, eta, dtype):
    """The loop of a pipeline; the network is the exact denoiser at the noise level that the scheduler believes in."""
    scheduler = cls(**BASE, **config)
    scheduler.set_timesteps(steps)
    prediction = config["prediction_type"]
    space = "ve" if name.startswith("Euler") else "vp"
    draws = Draws()
    module = __import__(cls.__module__, fromlist=["randn_tensor"])
    original, module.randn_tensor = getattr(module, "randn_tensor", None), lambda *_args, **_kwargs: draws().to(dtype)
    states = []
    try:
        initial = float(scheduler.init_noise_sigma)
        x = (NOISE[0][None] * initial).to(dtype)
        for index, t in enumerate(scheduler.timesteps):
            states.append(x.double())
            scaled = scheduler.scale_model_input(x, t)
            if name == "DDIMScheduler":
                alpha, sigma = scheduler.alphas_cumprod[t].double() ** 0.5, (1 - scheduler.alphas_cumprod[t].double()) ** 0.5
            else:
                s = scheduler.sigmas[index].double()
                alpha, sigma = 1 / (1 + s**2) ** 0.5, s / (1 + s**2) ** 0.5
            clean = denoise(scaled, alpha, sigma)
            z = scaled.double()
            output = ((alpha * z - clean) / sigma if prediction == "v_prediction" else (z - alpha * clean) / sigma).to(dtype)
            extra = {"eta": eta} if eta is not None else {}
            x = scheduler.step(output, t, x, **extra).prev_sample
        states.append(x.double())
    finally:
        module.randn_tensor = original
    return scheduler, states, draws.used, initial, space


def diffusers_cases():
    import diffusers

    cases = []
    for name, config, steps, eta in diffusers_list():
        scheduler, states, noise, initial, space = run(double_scheduler(name), name, config, steps, eta, torch.float64)
        torch.set_default_dtype(torch.float32)
        _, published, *_ = run(getattr(diffusers, name), name, config, steps, eta, torch.float32)
        torch.set_default_dtype(torch.float64)
        error = ((published[-1] - states[-1]).abs().max() / states[-1].abs().max()).item()
        case = {"name": f"{name} {steps} {config}" + (f" eta={eta}" if eta is not None else ""), "scheduler": name, "config": BASE | config, "steps": steps}
        if eta is not None:
            case["eta"] = eta
        case["timesteps"] = scheduler.timesteps.tolist()
        if name != "DDIMScheduler":
            case["sigmas"] = scheduler.sigmas.tolist()
        case |= {"initNoiseSigma": initial, "space": space, "noise": noise, "x": rows(states), "float32Error": error}
        # DDIM with eta 1 at a zero terminal SNR takes the root of 1 - alpha_bar' - sigma^2, which is 0 and in float32 may round below: NaN.
        if math.isnan(error):
            assert name == "DDIMScheduler" and eta == 1 and not any(math.isnan(value) for row in case["x"] for value in row), case["name"]
            case["float32Error"] = None
        else:
            assert error < 1e-2, (case["name"], error)
        cases.append(case)
    return cases


def main():
    out = arguments(__doc__).out
    sampling = k_diffusion_sampling()
    fixture = {
        "denoiser": {"weights": WEIGHTS, "means": MEANS, "deviations": DEVIATIONS},
        "noise": NOISE.tolist(),
        "kDiffusion": k_diffusion_cases(sampling),
        "diffusers": diffusers_cases(),
    }
    print("NaN in float32:", *(case["name"] for case in fixture["diffusers"] if case["float32Error"] is None), sep="\n  ")
    worst = sorted(((case["float32Error"] or 0, case["name"]) for case in fixture["diffusers"]), reverse=True)
    print(f"{len(fixture['kDiffusion'])} k-diffusion and {len(fixture['diffusers'])} diffusers trajectories; largest float32 differences:")
    for error, name in worst[:5]:
        print(f"  {error:.1e} {name}")
    write_json_gz(f"{out}/samplers.json.gz", fixture)


if __name__ == "__main__":
    main()
