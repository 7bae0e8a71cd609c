"""Seconds of one UNet step in OpenVINO, batch 2, shapes fixed before compiling (its fastest way).

    python openvino-step.py <model .xml> [--sizes 256 512] [--precision f32 default] [--runs 5] [--threads 2] [--reference reference.safetensors]

`f32` asks for float32 arithmetic; `default` lets OpenVINO choose, and the line says what it chose. With a reference (scripts/fullsize) the error
of the output at 256 pixels is told too: the largest difference over the largest value.
"""

import argparse
import gc

import openvino
from openvino import properties

from record import measure, relative_error, report, step_inputs


def compile_model(core, path, inputs, precision, threads):
    model = core.read_model(path)
    model.reshape({name: value.shape for name, value in inputs.items()})
    config = {properties.inference_num_threads: threads, properties.hint.performance_mode: properties.hint.PerformanceMode.LATENCY}
    if precision == "f32":
        config[properties.hint.inference_precision] = openvino.Type.f32
    return core.compile_model(model, "CPU", config)


def error_of(compiled, path):
    from safetensors.numpy import load_file

    tensors = load_file(path)
    names = {"sample": "sample", "timestep": "timesteps", "encoder_hidden_states": "context", "text_embeds": "pooled", "time_ids": "time_ids"}
    output = compiled({name: tensors[f"unet.{key}"] for name, key in names.items()})[0]
    return relative_error(output, tensors["unet.out"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="made by openvino-convert.py")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="side of the picture in pixels")
    parser.add_argument("--precision", nargs="+", choices=["f32", "default"], default=["f32", "default"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reference", help="made by scripts/fullsize/reference.py")
    options = parser.parse_args()
    core = openvino.Core()
    for size in options.sizes:
        inputs = step_inputs(size // 8)
        for precision in options.precision:
            compiled = compile_model(core, options.model, inputs, precision, options.threads)
            chosen = compiled.get_property(properties.hint.inference_precision).get_type_name()
            threads = compiled.get_property(properties.inference_num_threads)
            request = compiled.create_infer_request()
            more = {"error": error_of(compiled, options.reference)} if options.reference and size == 256 else {}
            note = f"openvino {openvino.__version__.split('-')[0]}, precision asked: {precision}; batch 2 in one run"
            report("openvino", size, measure(lambda: request.infer(inputs), options.runs), threads, chosen, note, **more)
            del compiled, request
            gc.collect()


if __name__ == "__main__":
    main()
