#!/usr/bin/env python3
"""Turns the splits that the L3AE authors publish into a data-set folder.

    from_pickles.py --matrices DIR [--embeddings FILE] --output DIR

DIR holds trn_mat.pkl, val_mat.pkl and tst_mat.pkl: pickled SciPy matrices, users x items. FILE
holds items x dimensions, as a pickled NumPy array, a pickled list of vectors, or .npy. Written are
train.npz, valid.npz, test.npz, embeddings.npy and, with the encoder's name, embeddings.json, as all
example programs read them. Needs NumPy and SciPy.
"""

import argparse
import json
import os
import pathlib
import pickle
import sys
import tempfile

import numpy as np
import scipy.sparse as sp

PARTS = {"trn_mat.pkl": "train.npz", "val_mat.pkl": "valid.npz", "tst_mat.pkl": "test.npz"}
UNREADABLE = (OSError, EOFError, MemoryError, pickle.UnpicklingError, AttributeError, ImportError,
              ValueError, IndexError, KeyError, TypeError, OverflowError)


class StoredMatrix:
    """The arrays of a pickled sparse matrix. SciPy would believe them, and its compiled code would
    write wherever an index points."""

    def rebuilt(self):
        state = vars(self)
        data, shape = state["data"], state["_shape"]
        if data.dtype.kind not in "biuf":
            raise TypeError(f"holds {data.dtype}, not numbers")
        if self.form is sp.coo_matrix:
            places = state["coords"] if "coords" in state else (state["row"], state["col"])
            return sp.coo_matrix((data, places), shape=shape)
        matrix = self.form((data, state["indices"], state["indptr"]), shape=shape)
        matrix.check_format(full_check=True)
        return matrix


class DataUnpickler(pickle.Unpickler):
    """Unpickles arrays and sparse matrices, and nothing that could run other code."""

    MATRICES = {form: type(form, (StoredMatrix,), {"form": getattr(sp, f"{form}_matrix")})
                for form in ("coo", "csr", "csc")}
    SAFE = {
        ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
        *((f"numpy.{core}.{module}", name) for core in ("core", "_core") for module, name in (
            ("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"))),
    }

    def find_class(self, module, name):
        form, _, kind = name.partition("_")
        if module.startswith("scipy.sparse") and form in self.MATRICES and kind in ("matrix", "array"):
            return self.MATRICES[form]
        if (module, name) in self.SAFE:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")


def fail(path, message):
    sys.exit(f"from_pickles: {path}: " + " ".join(str(message).split()))


def unpickle(path):
    with open(path, "rb") as file:
        return DataUnpickler(file).load()


def read_matrix(path):
    try:
        stored = unpickle(path)
        if not isinstance(stored, StoredMatrix):
            fail(path, f"holds a {type(stored).__name__}, not a sparse matrix")
        matrix = sp.csr_matrix(stored.rebuilt(), dtype=np.float32)
    except UNREADABLE as error:
        fail(path, error or "ends early")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if not np.isfinite(matrix.data).all():
        fail(path, "holds a value that is not finite")
    return matrix


def read_embeddings(path):
    try:
        is_npy = path.suffix == ".npy"
        values = np.asarray(np.load(path, allow_pickle=False) if is_npy else unpickle(path))
    except UNREADABLE as error:
        fail(path, error or "ends early")
    if values.dtype.kind not in "biuf" or values.ndim != 2 or values.size == 0:
        fail(path, f"expected numbers, items x dimensions, found {values.dtype} of shape "
                   f"{values.shape}")
    with np.errstate(over="ignore"):
        embeddings = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(embeddings).all():
        fail(path, "holds a value that is not finite")
    return embeddings


def write_folder(folder, matrices, embeddings, encoder):
    """All files are complete before the first one takes its place."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".from_pickles-") as scratch:
        scratch = pathlib.Path(scratch)
        for name, matrix in matrices.items():
            sp.save_npz(scratch / name, matrix)
        if embeddings is not None:
            np.save(scratch / "embeddings.npy", embeddings)
            (scratch / "embeddings.json").write_text(
                json.dumps({"encoder": encoder, "dimensions": embeddings.shape[1]}) + "\n")
        for file in list(scratch.iterdir()):
            os.replace(file, folder / file.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrices", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--embeddings", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--encoder", metavar="NAME",
                        help="what made the embeddings, for tables; default: the name of FILE")
    parser.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR")
    args = parser.parse_args()

    matrices = {target: read_matrix(args.matrices / source) for source, target in PARTS.items()}
    shape = matrices["train.npz"].shape
    for source, target in PARTS.items():
        if matrices[target].shape != shape:
            fail(args.matrices / source,
                 f"is {matrices[target].shape}, but trn_mat.pkl is {shape} (users, items)")
    embeddings = read_embeddings(args.embeddings) if args.embeddings else None
    if embeddings is not None and len(embeddings) != shape[1]:
        fail(args.embeddings, f"has {len(embeddings)} rows, but trn_mat.pkl has {shape[1]} items "
                              "(columns)")
    try:
        write_folder(args.output, matrices, embeddings,
                     args.encoder or (args.embeddings and args.embeddings.name))
    except OSError as error:
        fail(args.output, error)
    print(f"{shape[0]} users x {shape[1]} items, "
          f"{' / '.join(str(m.nnz) for m in matrices.values())} interactions"
          + ("" if embeddings is None else f", embeddings of {embeddings.shape[1]} dimensions"))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("from_pickles: interrupted", file=sys.stderr)
        sys.exit(130)
