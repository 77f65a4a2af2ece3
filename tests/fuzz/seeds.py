#!/usr/bin/env python3
"""Writes what the fuzzers begin with: seeds.py FOLDER makes FOLDER/NAME/* for each of them.

All of it is small and valid, or nearly so: the fuzzers find what is not. Python's standard library
is enough.
"""

import bz2
import gzip
import io
import json
import lzma
import pathlib
import struct
import sys
import zipfile


def npy(descr, shape, data, fortran=False, version=1):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + b"\n" + data


NPY = [
    npy("<f4", "(2, 3)", struct.pack("<6f", *range(6))),
    npy("<f8", "(2, 3)", struct.pack("<6d", *range(6)), fortran=True),
    npy(">f4", "(2, 3)", struct.pack(">6f", *range(6)), version=2),
    npy("<f2", "(6,)", struct.pack("<6e", *range(6)), version=3),
    npy(">i8", "(1, 2)", struct.pack(">2q", -1, 2)),
    npy("|b1", "(2, 2)", b"\0\1\1\0"),
    npy("|u1", "(0, 3)", b""),
    npy("<c8", "(1,)", bytes(8)),
    npy("|O", "(1,)", b"pickle"),
]


def i4(*numbers):
    return npy("<i4", f"({len(numbers)},)", struct.pack(f"<{len(numbers)}i", *numbers))


def i8(*numbers):
    return npy(">i8", f"({len(numbers)},)", struct.pack(f">{len(numbers)}q", *numbers))


def name(text):
    return npy("|S3", "()", text.encode())


VALUES = npy("<f4", "(4,)", struct.pack("<4f", 1, 2, 3.5, -4))
COORDS = npy("<i4", "(2, 4)", struct.pack("<8i", 3, 2, 0, 0, 0, 1, 2, 0))
SPARSE = [
    dict(format=name("csr"), shape=i8(4, 3), data=VALUES, indptr=i4(0, 2, 2, 3, 4),
         indices=i4(0, 2, 1, 0)),
    dict(format=name("csc"), shape=i4(3, 4), data=VALUES, indptr=i8(0, 2, 2, 3, 4),
         indices=i8(0, 2, 1, 0)),
    dict(format=name("coo"), shape=i8(4, 3), data=npy("|b1", "(4,)", b"\1\1\1\1"),
         row=i4(3, 2, 0, 0), col=i4(0, 1, 2, 0)),
    dict(format=name("coo"), shape=i8(4, 3), data=VALUES, coords=COORDS),
    dict(format=name("bsr"), shape=i8(4, 3), data=VALUES),
]
MEMBERS = ["format", "shape", "data", "indptr", "indices", "row", "col", "coords"]


def archive(members, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for member, contents in members.items():
            target.writestr(member + ".npy", contents)
    return file.getvalue()


def in_order(members):
    contents = [members.get(member, b"") for member in MEMBERS]
    return b"".join(struct.pack("<H", len(each)) + each for each in contents)


NPZ = [archive(members, method) for members in SPARSE
       for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]


def old_model(scalar, values):
    """Of version 1."""
    header = b"\x93LAEITEM" + struct.pack("<IIIIQ", 0x01020304, 1, scalar, 0, 2)
    return header + struct.pack("<4" + ("f" if scalar == 4 else "d"), *values)


def old_spectral_model(kind):
    """Of version 2: one user with one of two items, and one singular vector."""
    header = b"\x93LAEITEM" + struct.pack("<IIIIQ", 0x01020304, 2, 4, kind, 2)
    header += struct.pack("<4Q8d", 1, 1, 1, 5, 1, 1, 0, 1, 1.2, 0, 1, 0)
    return header + struct.pack("<3q", 0, 1, 1) + struct.pack(
        "<11f" if kind == 2 else "<5f", *([1] * (11 if kind == 2 else 5)))


def texts(*each):
    starts = [sum(map(len, each[:i])) for i in range(len(each) + 1)]
    return struct.pack(f"<{len(starts) + 1}Q", len(each), *starts) + "".join(each).encode()


def model(kind, scalar, users, entries, rank, *sections):
    """Of version 3, two items; without checksums, which the fuzzer puts in."""
    sections += ((16, texts("ease", "lambda", "1")), (17, texts("a", "b")))
    table, body = b"", b""
    for number, content in sections:
        table += struct.pack("<IIQQQ", number, 0, 1024 + len(body), len(content), 0)
        body += content + bytes(-len(content) % 64)
    header = b"\x93LAEITEM" + struct.pack("<IIIIQQQQQ", 0x01020304, 3, scalar, kind, 2, users,
                                          entries, rank, 0)
    return (header + table).ljust(1024, b"\0") + body


def ones(count):
    return struct.pack(f"<{count}f", *([1] * count))


def spectral_model(kind):
    sections = [(11, struct.pack("<Q8d", 5, 1, 1, 0, 1, 1.2, 0, 1, 0)),
                (8, struct.pack("<2q", 0, 1)), (9, struct.pack("<q", 1)), (10, ones(1)),
                (5, ones(2)), (6, ones(2))]
    if kind == 2:
        sections += [(12, ones(2)), (13, ones(2)), (14, ones(1)), (15, ones(1))]
    return model(kind, 4, 1, 1, 1, *sections)


MODELS = [
    old_model(4, (0, 1, 2, 0)), old_model(8, (0, 1, 2, 0)), old_spectral_model(1),
    old_spectral_model(2), spectral_model(1), spectral_model(2), model(0, 4, 0, 0, 0, (1, ones(4))),
    model(0, 8, 0, 0, 0, (1, struct.pack("<4d", 0, 1, 2, 0))),
    model(3, 4, 0, 2, 1, (2, struct.pack("<3q", 0, 1, 2)), (3, struct.pack("<2I", 1, 0)),
          (4, ones(2)), (5, ones(2)), (6, ones(2)), (7, ones(2))),
]


REVIEWS_CSV = [
    b"user_id,parent_asin,rating,timestamp\nu,A,5.0,1588687728923\nu,B,4,-1\n",
    b"\xef\xbb\xbfparent_asin,rating,timestamp,user_id,history\r\n\"A\",5,1e3,\"a\"\"b\",A B\r\n",
    b"user_id,parent_asin,rating,timestamp\nu,\"A\nB\",5.0,1588687728923.0\nu,B,nan,1\nu\n",
]
REVIEW = dict(rating=5.0, title="t \"1\"", text="\u00e9\n", images=[dict(a=1)], asin="A1",
              parent_asin="A", user_id="u", timestamp=1588687728923, verified_purchase=True)
REVIEWS_JSON = [
    (json.dumps(REVIEW) + "\n" + json.dumps(dict(REVIEW, timestamp=-1.5e3), ensure_ascii=False) +
     "\n").encode(),
    b'{"user_id": "\\ud83d\\ude00", "parent_asin": "B", "rating": 3, "timestamp": 1e3}\r\n\n',
    b'{"text": "\\ud83d", "user_id": "\xff"}\n{"rating": "5"}\n[1]\n',
    b'[{"rating": 5}]',
]
ITEM = dict(main_category="M", title="T", features=["f1", "f2"], description=["d"], store="S",
            categories=["C", ["D"]], details=dict(Brand="B", X="Y"), parent_asin="A", price=None)
ITEMS_JSON = [
    (json.dumps(ITEM) + "\n").encode(),
    (json.dumps(dict(ITEM, details=json.dumps(ITEM["details"]), features="['a' \"b\"]",
                     description="[]", title=7)) + "\n").encode(),
    b'{"parent_asin": "A", "title": "\\ud83d x\xff", "details": "{\'Brand\': None}"}\n',
]
COLUMNS = "main_category,title,features,description,store,categories,details,parent_asin\n"
ITEMS_CSV = [
    (COLUMNS + "M,T,['f1' 'f2'],[],S,\"['C', 'D']\",\"{'Brand': 'B'}\",A\n").encode(),
    (COLUMNS + "M,T,\"[\"\"f\"\"]\",\"['a\n' 'b']\",,[],\"{\"\"Brand\"\": \"\"\\u2019\"\"}\",A\n")
    .encode(),
    b"parent_asin,title\nA,\xff\n",
]
META = [
    b"['a', \"it's\", 'x\\'y', 'a\\\\n', None, True, 1.5]",
    b"['a' 'b'\n 'c' ... 'z']",
    b'["a", "\\u00e9\\ud83d\\ude00", null, [1, {"k": ["v"]}]]',
    b"{'Brand': 'B', 'X': {'Y': ['Z']}}",
    b"[('Brand', 'B'), ('X', 'Y')]",
    b"array([list(['a']), np.str_('b')], dtype='<U3')",
    b"(u'a', b'\\xc3\\xa9', r'\\n', '\\101', '\\N{BULLET}')",
    b"1588687728923.0", b"1.588687728923e12", b"-6.2e+13", b"00.00e-7", b"[New] text",
]
TEXT = b"".join(b"line %d\r\n" % i for i in range(40))
GZIP = [
    TEXT, gzip.compress(TEXT), gzip.compress(TEXT) + gzip.compress(b"more\n"),
    gzip.compress(TEXT) + bytes(8), gzip.compress(TEXT) + b"junk", gzip.compress(b""),
    gzip.compress(gzip.compress(TEXT)), bz2.compress(TEXT), lzma.compress(TEXT),
    b"PAR1\x15\0", b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1\n",
    gzip.compress(b"[{\"a\": 1}]"), b"\xff\xfea\0\n\0",
]
FOLDER = (
    [b"\0" + NPZ[0], b"\1" + NPY[0], b"\2" + NPZ[4], b"\3" + NPY[1], b"\4" + NPZ[7]] +
    [b"\5" + json.dumps(dict(encoder="e", items=2)).encode(), b"\5[]",
     b"\6" + b'{"id": "A", "title": "T", "prompt": "P"}\n{"id": "B"}\n', b"\6{\"id\": 1}\n",
     b"\7u1\nu2\nu3\n"]
)
RECORD = struct.pack("<BBqqffff", 2, 2, 1, 3, 1, 2, 3, 4)
JOURNAL = [
    b"\1" + RECORD, b"\1" + RECORD + RECORD, b"\1" + struct.pack("<BBqf", 1, 1, 4, 1),
    b"\0lae encoding journal 2\nfingerprint\n{\"model\": \"model\"}\n" + bytes(60),
    b"\0lae encoding journal 1\nfingerprint\n" + bytes(70),
    b"\0lae encoding journal 1\nother\n" + bytes(70),
]


def answer(*vectors, model="m", indices=None):
    return b"\1" + json.dumps(dict(object="list", model=model, usage=dict(prompt_tokens=3), data=[
        dict(object="embedding", embedding=vector,
             **({} if indices is None else dict(index=indices[i])))
        for i, vector in enumerate(vectors)])).encode()


ANSWER = [
    answer([1, -2.5], [3e-1, 4], indices=[0, 1]), answer([1], [2], indices=[1, 0]),
    answer([1, 2], [3, 4]), answer([[1, 2]], [[3, 4]]), answer("AACAPwAAAEA=", "AACAPwAAAEA="),
    answer([1, None], ["2", 1e300]), answer([[1], [2]], [3]), answer([1, 2], [3], indices=[0, None]),
    b"\0" + b'[{"index": 0.0, "embedding": [1, 2, 3]}]', b"\0" + b'{"error": "overloaded"}',
    b"\1" + b'{"data": [{"embedding": [1, NaN]}, {"embedding": [2]}]}',
    b"\1" + b'{"data": [{"embedding": [1], "index": [[0]]}, 7]}',
]

SEEDS = {
    "npy": NPY,
    "npz": NPZ,
    "npz_members": [in_order(members) for members in SPARSE],
    "model_file": MODELS,
    "csv": REVIEWS_CSV + ITEMS_CSV + [b"a,b\n1,\"two\nlines\"\n\"x\n3,4\n"],
    "gzip": GZIP,
    "reviews_csv": REVIEWS_CSV,
    "reviews_json": REVIEWS_JSON,
    "items_csv": ITEMS_CSV,
    "items_json": ITEMS_JSON,
    "meta_value": META,
    "folder": FOLDER,
    "journal": JOURNAL,
    "answer": ANSWER,
}


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, seeds in SEEDS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / target / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main()
