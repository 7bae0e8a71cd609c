"""The beginnings of files that Python's pickle, PyTorch and tarfile write, for the tests that refuse them by content."""

import base64
import collections
import io
import os
import pickle
import tarfile
import tempfile

import torch

from common import arguments, quiet, write_json

quiet()
STATE = collections.OrderedDict(weight=[1.0, 2.0])


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


def torch_saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def tar(format):
    # The oldest PyTorch files are tar archives of pickles.
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name in ("sys_info", "pickle"):
            data = pickle.dumps({"protocol_version": 1000}, protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def specimens():
    for protocol in range(6):
        yield f"a dict, protocol {protocol}", pickle.dumps({"state_dict": {"weight": 1}}, protocol=protocol)
        yield f"an ordered dict, protocol {protocol}", pickle.dumps(STATE, protocol=protocol)
        yield f"a call of os.system, protocol {protocol}", pickle.dumps(Evil(), protocol=protocol)
        yield f"a list, protocol {protocol}", pickle.dumps([1, 2], protocol=protocol)
    tensors = {"weight": torch.zeros(2)}
    yield "torch.save, zip", torch_saved(tensors)
    yield "torch.save, before the zip", torch_saved(tensors, _use_new_zipfile_serialization=False)
    yield "torch.jit.save", (lambda f: (torch.jit.script(torch.nn.Identity()).save(f), open(f, "rb").read())[1])(
        os.path.join(tempfile.mkdtemp(), "scripted.pt")
    )
    yield "tar, GNU", tar(tarfile.GNU_FORMAT)
    yield "tar, ustar", tar(tarfile.USTAR_FORMAT)
    yield "tar, pax", tar(tarfile.PAX_FORMAT)


if __name__ == "__main__":
    args = arguments(__doc__)
    os.makedirs(os.path.join(args.out, "formats"), exist_ok=True)
    # What comes later holds addresses in memory, which differ from run to run; a tar says what it is only at byte 257.
    begun = [{"name": n, "start": base64.b64encode(d[: 512 if n.startswith("tar") else 100]).decode()} for n, d in specimens()]
    write_json(os.path.join(args.out, "formats", "pickles.json"), begun)
