"""Safetensors files as the reference implementation writes them, and its verdict on files that break the rules.

`goldens`: what was written, and the bytes that came of it. The reference orders metadata by a random hash, so no golden has more
than one metadata key. `vectors`: whole files, most of them broken, with the reference's verdict: "ok", or its error.
"""

import base64
import ctypes
import json
import os
import re

from safetensors import TensorSpec, deserialize, serialize

from common import arguments, write_json

# What the reference's writer can be told, by the name that it writes into the file.
WRITABLE = {
    "BOOL": "bool", "F4": "float4_e2m1fn_x2", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz", "I16": "int16", "U16": "uint16",
    "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "C64": "complex64", "F64": "float64",
    "I64": "int64", "U64": "uint64",
}  # fmt: skip
BITS = {name: bits for bits, names in {
    4: ["F4"], 6: ["F6_E2M3", "F6_E3M2"], 8: ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"],
    16: ["I16", "U16", "F16", "BF16"], 32: ["I32", "U32", "F32"], 64: ["C64", "F64", "I64", "U64"],
}.items() for name in names}  # fmt: skip


def b64(data):
    return base64.b64encode(bytes(data)).decode("ascii")


def golden(name, tensors, metadata=None):
    """`tensors`: (name, dtype, shape) each; the data are counted upwards so that a swap of two tensors shows."""
    described, specs, alive, counter = [], {}, [], 1
    for key, dtype, shape in tensors:
        size = BITS[dtype]
        for n in shape:
            size *= n
        data = bytes((counter + i) % 251 for i in range(size // 8))
        counter += 7 + len(data)
        buffer = ctypes.create_string_buffer(data, max(len(data), 1))
        alive.append(buffer)
        # The writer doubles the last axis of F4, as PyTorch counts pairs.
        told = [*shape[:-1], shape[-1] // 2] if dtype == "F4" else shape
        specs[key] = TensorSpec(dtype=WRITABLE[dtype], shape=told, data_ptr=ctypes.addressof(buffer), data_len=len(data))
        described.append({"name": key, "dtype": dtype, "shape": shape, "data": b64(data)})
    return {"name": name, "tensors": described, "metadata": metadata, "file": b64(serialize(specs, metadata))}


def goldens():
    yield golden("no tensors", [])
    # Not with empty metadata and no tensors: of these 0.8.0 makes `{},"__metadata__":{}}`, which nothing can read.
    yield golden("empty metadata", [("w", "I16", [1])], {})
    yield golden("one scalar", [("scalar", "F32", [])])
    yield golden("every type that it can write", [(f"t_{d}", d, [2, 8]) for d in reversed(WRITABLE)])
    yield golden("every type, names against the order", [(f"{i:02}", d, [8]) for i, d in enumerate(WRITABLE)])
    yield golden("empty tensors", [("v_pred", "F32", [0]), ("ztsnr", "F32", [0]), ("w", "F16", [3]), ("none", "U8", [4, 0, 7])])
    yield golden("markers of 2025", [("v_pred", "F16", [0]), ("ztsnr", "I64", [0]), ("a", "I64", [1]), ("z", "F16", [1])])
    names = ["b", "a", "B", "a.b", "a/b", "é", "\ue000", "\U0001f600", "\uffee", "__proto__", "constructor", "toString", "", " ", "10", "9"]
    yield golden("names in code point order", [(n, "U8", [1]) for n in names])
    yield golden("escapes", [('q"uote', "U8", [2]), ("back\\slash", "U8", [2]), ("a\tb\nc\rd\be\ff\x00g\x1f\x7f\x80\u2028/", "U8", [2])],
                 {'k"\\\n\x01\x7fé\u2028\U0001f600': "v\x00\t/"})  # fmt: skip
    for pad in range(8):
        yield golden(f"header padded by {pad}", [("n" * (1 + pad), "BF16", [1, 1, 3])], {"format": "pt"})
    yield golden("metadata named like object members", [("w", "F64", [1])], {"__proto__": "polluted"})


def file(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else header.encode("utf-8")
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def one(dtype="U8", shape="[2]", offsets="[0,2]", data=b"ab", extra=""):
    return file('{"t":{"dtype":%s,"shape":%s,"data_offsets":%s%s}}' % (json.dumps(dtype), shape, offsets, extra), data)


def two(first, second, data):
    entry = '"%s":{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]}'
    return file("{%s,%s}" % tuple(entry % (n, e - b, b, e) for n, (b, e) in (("a", first), ("b", second))), data)


def vectors():
    # The prefix.
    yield "empty file", b""
    yield "seven bytes", b"\x02\0\0\0\0\0\0"
    yield "prefix only", file("", length=0)
    yield "prefix only, one byte declared", file("", length=1)
    yield "header longer than the file", file("{}", length=3)
    yield "header of 100,000,001 bytes declared", file("{}", length=100_000_001)
    yield "header of 2^32 + 2 bytes declared", file("{}", length=2**32 + 2)
    yield "header of 2^53 + 1 bytes declared", file("{}", length=2**53 + 1)
    yield "header of 2^63 bytes declared", file("{}", length=2**63)
    yield "header of 2^64 - 1 bytes declared", file("{}", length=2**64 - 1)
    # The text.
    yield "smallest file", file("{}")
    yield "not UTF-8", file(b'{"\xff":0}')
    yield "overlong UTF-8", file(b'{"\xc0\x80":0}')
    yield "surrogate in UTF-8", file(b'{"\xed\xa0\x80":0}')
    yield "cut UTF-8", file(b'{"\xe3\x81')
    yield "byte order mark", file("\ufeff{}")
    yield "white space before", file(" \t\r\n{}")
    yield "white space after", file("{} \t\r\n")
    yield "form feed before", file("\f{}")
    yield "no-break space before", file("\u00a0{}")
    yield "zero bytes after", file("{}\0\0\0\0\0\0")
    yield "cut object", file("{")
    yield "two objects", file("{}{}")
    yield "array at the top", file("[]")
    yield "string at the top", file('"x"')
    yield "number at the top", file("1")
    yield "null at the top", file("null")
    yield "trailing comma", file("{},")
    yield "trailing comma inside", file('{"__metadata__":{},}')
    yield "comment", file("{/**/}")
    yield "single quotes", file("{'__metadata__':{}}")
    yield "bare key", file("{__metadata__:{}}")
    yield "control character in a string", file('{"__metadata__":{"a":"\n"}}')
    yield "unknown escape", file('{"__metadata__":{"a":"\\x41"}}')
    yield "half escape", file('{"__metadata__":{"a":"\\u12"}}')
    yield "escaped surrogate pair", file('{"__metadata__":{"a":"\\ud83d\\ude00"}}')
    yield "lone high surrogate", file('{"__metadata__":{"a":"\\ud83d"}}')
    yield "lone low surrogate", file('{"__metadata__":{"a":"\\ude00"}}')
    yield "depth 100 in an ignored field", one(extra=',"x":' + "[" * 100 + "]" * 100)
    yield "depth 200 in an ignored field", one(extra=',"x":' + "[" * 200 + "]" * 200)
    # Metadata.
    yield "metadata", file('{"__metadata__":{"format":"pt","":""}}')
    yield "metadata with a number", file('{"__metadata__":{"a":1}}')
    yield "metadata with null", file('{"__metadata__":{"a":null}}')
    yield "metadata with an object", file('{"__metadata__":{"a":{}}}')
    yield "metadata a string", file('{"__metadata__":"a"}')
    yield "metadata an array", file('{"__metadata__":[]}')
    yield "metadata null", file('{"__metadata__":null}')
    yield "metadata twice", file('{"__metadata__":{},"__metadata__":{}}')
    yield "metadata key twice", file('{"__metadata__":{"a":"1","a":"2"}}')
    yield "metadata __proto__", file('{"__metadata__":{"__proto__":"x"}}')
    # One tensor.
    yield "one tensor", one()
    yield "ignored field", one(extra=',"note":[1,{"a":-1.5e3}]')
    yield "tensor a number", file('{"t":1}')
    yield "tensor null", file('{"t":null}')
    yield "tensor an array of fields", file('{"t":["U8",[2],[0,2]]}', b"ab")
    yield "no dtype", file('{"t":{"shape":[2],"data_offsets":[0,2]}}', b"ab")
    yield "no shape", file('{"t":{"dtype":"U8","data_offsets":[0,2]}}', b"ab")
    yield "no offsets", file('{"t":{"dtype":"U8","shape":[2]}}', b"ab")
    yield "empty tensor object", file('{"t":{}}')
    yield "dtype twice", one(extra=',"dtype":"U8"')
    yield "shape twice", one(extra=',"shape":[2]')
    yield "offsets twice", one(extra=',"data_offsets":[0,2]')
    yield "unknown dtype", one(dtype="F128")
    yield "dtype in lower case", one(dtype="u8")
    yield "dtype of Object.prototype", one(dtype="constructor")
    yield "dtype a number", one(dtype=1)
    yield "dtype an object", one(dtype={"U8": None})
    yield "shape a number", one(shape="2")
    yield "shape null", one(shape="null")
    yield "shape with a string", one(shape='["2"]')
    yield "shape with a negative", one(shape="[-2]")
    yield "shape with -0", one(shape="[-0]", offsets="[0,0]", data=b"")
    yield "shape with 2.0", one(shape="[2.0]")
    yield "shape with 2e0", one(shape="[2e0]")
    yield "shape with a leading zero", one(shape="[02]")
    yield "shape nested", one(shape="[[2]]")
    yield "scalar", one(shape="[]", offsets="[0,1]", data=b"a")
    yield "empty", one(shape="[0]", offsets="[0,0]", data=b"")
    yield "no offsets at all", one(offsets="[]")
    yield "one offset", one(offsets="[0]")
    yield "three offsets", one(offsets="[0,2,2]")
    yield "offsets reversed", one(offsets="[2,0]")
    yield "offset negative", one(offsets="[-1,1]")
    yield "offset fractional", one(offsets="[0,2.5]")
    yield "offset as text", one(offsets='["0","2"]')
    yield "too few bytes for the shape", one(shape="[3]")
    yield "too many bytes for the shape", one(shape="[1]")
    yield "wrong width", one(dtype="F32", shape="[2]")
    yield "not at the beginning", one(offsets="[1,3]", data=b"abc")
    yield "data cut", one(data=b"a")
    yield "data after the end", one(data=b"abc")
    yield "zip after the end", one(data=b"abPK\x05\x06" + b"\0" * 18)
    # Numbers that float64 or 64 bits cannot hold.
    yield "empty with 2^53 + 1 elements an axis", one(shape="[9007199254740993,0]", offsets="[0,0]", data=b"")
    yield "offsets of 2^53 + 1", one(shape="[0]", offsets="[9007199254740993,9007199254740993]", data=b"")
    yield "offsets that differ only beyond 2^53", one(shape="[1]", offsets="[9007199254740992,9007199254740993]", data=b"a")
    yield "length of 2^53 + 2", one(shape="[9007199254740994]", offsets="[0,9007199254740994]")
    yield "elements beyond 2^64, which wrap to 0", one(shape="[4294967296,4294967296]", offsets="[0,0]", data=b"")
    yield "elements beyond 2^64, then none", one(shape="[4294967296,4294967296,0]", offsets="[0,0]", data=b"")
    yield "none, then elements beyond 2^64", one(shape="[0,4294967296,4294967296]", offsets="[0,0]", data=b"")
    yield "bytes beyond 2^64", one(dtype="F64", shape="[2305843009213693952]", offsets="[0,0]", data=b"")
    yield "offset of 2^64", one(shape="[0]", offsets="[18446744073709551616,18446744073709551616]", data=b"")
    yield "offset of 400 digits", one(shape="[0]", offsets="[%s,0]" % ("9" * 400), data=b"")
    # Elements of less than a byte.
    yield "F4, two", one(dtype="F4", shape="[2]", offsets="[0,1]", data=b"a")
    yield "F4, three", one(dtype="F4", shape="[3]", offsets="[0,2]")
    yield "F4, one", one(dtype="F4", shape="[1]", offsets="[0,0]", data=b"")
    yield "F6_E2M3, four", one(dtype="F6_E2M3", shape="[4]", offsets="[0,3]", data=b"abc")
    yield "F6_E3M2, two", one(dtype="F6_E3M2", shape="[2]", offsets="[0,2]")
    # Several tensors.
    yield "two tensors", two((0, 2), (2, 4), b"abcd")
    yield "two tensors, listed backwards", two((2, 4), (0, 2), b"abcd")
    yield "the same name twice", file('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"a")
    yield "the same name twice, once escaped", file('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0074":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"a")
    yield "hole", two((0, 1), (2, 3), b"abc")
    yield "overlap", two((0, 2), (1, 3), b"abc")
    yield "the same bytes", two((0, 2), (0, 2), b"ab")
    yield "one inside the other", two((0, 3), (1, 2), b"abc")
    yield "hole at the end", two((0, 1), (1, 2), b"abc")
    yield "empty tensor between", two((0, 0), (0, 2), b"ab")
    yield "empty tensor behind", two((2, 2), (0, 2), b"ab")
    yield "empty tensor inside another", two((1, 1), (0, 2), b"ab")
    yield "empty tensor beyond the end", two((3, 3), (0, 2), b"ab")
    yield "tensors named like object members", file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"ab")


def verdict(data):
    try:
        deserialize(data)
        return "ok"
    except Exception as error:  # The binding has one exception class; its text tells them apart.
        # Which of two tensors is blamed depends on a random hash.
        return re.sub(" for tensor `.*`$", "", str(error).replace("Error while deserializing: ", ""))


if __name__ == "__main__":
    args = arguments(__doc__)
    os.makedirs(os.path.join(args.out, "formats"), exist_ok=True)
    judged = [{"name": name, "file": b64(data), "reference": verdict(data)} for name, data in vectors()]
    write_json(os.path.join(args.out, "formats", "safetensors.json"), {"goldens": list(goldens()), "vectors": judged})
