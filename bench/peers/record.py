"""What the peers' scripts share: a step's inputs, the measuring loop, and the line that each prints."""

import json
import os
import statistics
import sys
import time

# SDXL's: latents have 4 channels, the context 2048, the pooled text 1280, and the added conditioning is six numbers.
BATCH, TOKENS = 2, 77


def step_inputs(side):
    """One step's inputs by diffusers' names, seeded: latents `side` x `side`, batch 2."""
    import numpy

    generator = numpy.random.default_rng(side)

    def normal(*shape):
        return generator.standard_normal(shape, dtype=numpy.float32)

    pixels = 8 * side
    return {
        "sample": normal(BATCH, 4, side, side),
        "timestep": numpy.array([999.0, 421.5], numpy.float32),
        "encoder_hidden_states": normal(BATCH, TOKENS, 2048),
        "text_embeds": normal(BATCH, 1280),
        "time_ids": numpy.array([[pixels, pixels, 0, 0, pixels, pixels]] * BATCH, numpy.float32),
    }


def processor_seconds():
    """What all programs of the machine have used of its processors, and what this one has. Linux only."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, interrupts, soft_interrupts = map(int, file.readline().split()[1:8])
    used = os.times()
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK"), used.user + used.system


class Stopwatch:
    """Seconds of each run, and how many processors other programs kept busy meanwhile: a run is worth reading where that is near 0."""

    def __init__(self):
        self.seconds = []
        self.others = []
        self.start()

    def start(self):
        self.begun = (time.perf_counter(), *processor_seconds())

    def stop(self, seconds=None):
        """`seconds` is the run's length by another clock, if it has one."""
        now = (time.perf_counter(), *processor_seconds())
        elapsed, everyone, own = (after - before for before, after in zip(self.begun, now))
        self.seconds.append(elapsed if seconds is None else seconds)
        self.others.append(max(0, everyone - own) / elapsed)
        self.begun = now


def measure(run, runs):
    """A stopwatch with `runs` calls, after one that is not counted."""
    run()
    watch = Stopwatch()
    for _ in range(runs):
        watch.start()
        run()
        watch.stop()
    return watch


def report(name, size, watch, threads, precision, note, out=sys.stdout, **more):
    """One JSON line on standard output; a readable one on standard error."""
    rounded = [round(value, 3) for value in watch.seconds]
    others = [round(value, 2) for value in watch.others]
    line = {"name": name, "size": size, "seconds": rounded, "threads": threads, "precision": precision, "note": note, "others": others}
    print(json.dumps(line | more), file=out, flush=True)
    summary = f"min {min(rounded):.2f}, median {statistics.median(rounded):.2f}, max {max(rounded):.2f} s"
    print(f"{name} {size}, {precision}, {threads} threads: {summary}; others kept {max(others):.2f} processors busy at most", file=sys.stderr)


def relative_error(ours, theirs):
    """The largest difference over the largest value."""
    return float(abs(ours - theirs).max() / abs(theirs).max())
