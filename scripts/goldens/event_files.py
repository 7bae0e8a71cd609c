"""An event file as TensorBoard's own writer and protobuf classes make it; with `--read <folder>`, what TensorBoard finds
in the event files of a folder, printed as JSON."""

import argparse
import json
import os

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

from common import FIXTURES, report

# A PNG of one black pixel is as good as any: TensorBoard does not look inside.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


def events():
    yield Event(wall_time=1700000000.25, file_version="brain.Event:2")
    yield Event(wall_time=1700000000.5, step=101, session_log=SessionLog(status=SessionLog.START))
    values = [Summary.Value(tag="loss/raw", simple_value=0.125), Summary.Value(tag="a zero", simple_value=0.0)]
    yield Event(wall_time=1700000001.5, step=1, summary=Summary(value=values))
    values = [Summary.Value(tag="not finite", simple_value=float("inf"))]
    yield Event(wall_time=1700000002.5, step=2**40, summary=Summary(value=values))
    image = Summary.Image(height=1, width=1, colorspace=3, encoded_image_string=PNG)
    metadata = SummaryMetadata(summary_description="1girl, café 初音ミク")
    yield Event(wall_time=1700000003.5, step=300, summary=Summary(value=[Summary.Value(tag="previews/1", image=image, metadata=metadata)]))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=7, tensor_shape=shape, string_val=["    seed = 1\n".encode()])
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    yield Event(step=0, summary=Summary(value=[Summary.Value(tag="recipe", tensor=tensor, metadata=metadata)]))


def read(folder):
    found = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "tensors": 0}).Reload()
    tags = found.Tags()
    scalars = {tag: [[e.step, e.value] for e in found.Scalars(tag)] for tag in tags["scalars"]}
    images = {tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in found.Images(tag)] for tag in tags["images"]}
    texts = {tag: [[e.step, [s.decode() for s in e.tensor_proto.string_val]] for e in found.Tensors(tag)] for tag in tags["tensors"]}
    return {"scalars": scalars, "images": images, "tensors": texts}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=FIXTURES, help="folder to write into")
    parser.add_argument("--read", help="folder of event files to print instead")
    parsed = parser.parse_args()
    if parsed.read:
        print(json.dumps(read(parsed.read), indent=1))
    else:
        path = os.path.join(parsed.out, "formats", "tensorboard.tfevents")
        with open(path, "wb") as file:
            writer = RecordWriter(file)
            for event in events():
                writer.write(event.SerializeToString(deterministic=True))
        report(path)
