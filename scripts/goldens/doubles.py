"""k-diffusion's samplers and discrete schedule without its other modules, and diffusers' schedulers in double precision."""

import importlib
import importlib.util
import inspect
import os
import sys
import types


def k_diffusion_sampling():
    """`k_diffusion.sampling` needs one small function of `k_diffusion.utils`, which itself wants torchvision: that one is supplied here."""
    if "k_diffusion.sampling" in sys.modules:
        return sys.modules["k_diffusion.sampling"]
    spec = importlib.util.find_spec("k_diffusion")
    package = types.ModuleType("k_diffusion")
    package.__path__ = [os.path.dirname(spec.origin)]
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, target_dims: x[(...,) + (None,) * (target_dims - x.ndim)]
    sys.modules["k_diffusion"], sys.modules["k_diffusion.utils"] = package, utils
    package.utils = utils
    return importlib.import_module("k_diffusion.sampling")


def k_diffusion_external():
    """`k_diffusion.external` in double precision: it rounds timesteps to float32 in one place."""
    k_diffusion_sampling()
    return double_module(importlib.import_module("k_diffusion.external"))


def double_module(original):
    """A module whose every float32 is a float64: its own source with that one word changed.

    Its numbers then differ from the published module's only by float32 rounding, and can be compared to many digits.
    """
    module = types.ModuleType(f"{original.__name__}_double")
    module.__package__ = original.__package__
    module.__file__ = original.__file__
    # Dataclasses look their module up by name.
    sys.modules[module.__name__] = module
    source = inspect.getsource(original).replace("float32", "float64").replace(".float()", ".double()")
    exec(compile(source, original.__file__, "exec"), module.__dict__)
    return module


def double_scheduler(name):
    """A diffusers scheduler class in double precision."""
    import diffusers

    return getattr(double_module(inspect.getmodule(getattr(diffusers, name))), name)
