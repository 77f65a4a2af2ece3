#!/usr/bin/env python3
"""Turns the splits that the L3AE authors publish into a data-set folder.

    from_pickles.py --matrices DIR [--embeddings FILE] --output DIR

DIR holds trn_mat.pkl, val_mat.pkl and tst_mat.pkl: pickled SciPy matrices, users x items. FILE
holds items x dimensions, as a pickled NumPy array, a pickled list of vectors, or .npy. Written are
train.npz, valid.npz, test.npz and embeddings.npy, as all example programs read them. Needs NumPy
and SciPy.
"""

import argparse
import os
import pathlib
import pickle
import sys
import tempfile

import numpy as np
import scipy.sparse as sp

PARTS = {"trn_mat.pkl": "train.npz", "val_mat.pkl": "valid.npz", "tst_mat.pkl": "test.npz"}


class DataUnpickler(pickle.Unpickler):
    """Unpickles arrays and sparse matrices, and nothing that could run other code."""

    SAFE = {
        ("numpy", "ndarray"), ("numpy", "dtype"),
        *((module, name) for module in ("numpy.core.multiarray", "numpy._core.multiarray")
          for name in ("_reconstruct", "scalar")),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        is_matrix = module.startswith("scipy.sparse") and name in {
            f"{form}_{kind}" for form in ("coo", "csr", "csc") for kind in ("matrix", "array")}
        if is_matrix or (module, name) in self.SAFE:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")


def unpickle(path):
    try:
        with open(path, "rb") as file:
            return DataUnpickler(file).load()
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, ValueError,
            IndexError, KeyError, TypeError) as error:
        sys.exit(f"from_pickles: {path}: {error or 'ends early'}")


def read_matrix(path):
    matrix = unpickle(path)
    if not sp.issparse(matrix):
        sys.exit(f"from_pickles: {path}: holds a {type(matrix).__name__}, not a sparse matrix")
    matrix = sp.csr_matrix(matrix, dtype=np.float32)
    matrix.sum_duplicates()
    matrix.sort_indices()
    if not np.isfinite(matrix.data).all():
        sys.exit(f"from_pickles: {path}: holds a value that is not finite")
    return matrix


def read_embeddings(path):
    values = np.load(path, allow_pickle=False) if path.suffix == ".npy" else unpickle(path)
    try:
        embeddings = np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        sys.exit(f"from_pickles: {path}: {error}")
    if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
        sys.exit(f"from_pickles: {path}: expected finite numbers, items x dimensions, found shape "
                 f"{embeddings.shape}")
    return embeddings


def replace(path, save):
    """Writes beside the target, which is then replaced in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    os.close(handle)
    try:
        save(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrices", type=pathlib.Path, required=True)
    parser.add_argument("--embeddings", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()

    matrices = {target: read_matrix(args.matrices / source) for source, target in PARTS.items()}
    shape = matrices["train.npz"].shape
    for target, matrix in matrices.items():
        if matrix.shape != shape:
            sys.exit(f"from_pickles: {target} would be {matrix.shape}, but train.npz is {shape}")
    embeddings = read_embeddings(args.embeddings) if args.embeddings else None
    if embeddings is not None and len(embeddings) != shape[1]:
        sys.exit(f"from_pickles: {args.embeddings}: has {len(embeddings)} rows, but train.npz has "
                 f"{shape[1]} items (columns)")

    args.output.mkdir(parents=True, exist_ok=True)
    for target, matrix in matrices.items():
        replace(args.output / target, lambda name, m=matrix: sp.save_npz(name, m))
    if embeddings is not None:
        replace(args.output / "embeddings.npy", lambda name: np.save(name, embeddings))
    print(f"{shape[0]} users x {shape[1]} items, "
          f"{' / '.join(str(m.nnz) for m in matrices.values())} interactions"
          + ("" if embeddings is None else f", embeddings of {embeddings.shape[1]} dimensions"))


if __name__ == "__main__":
    main()
