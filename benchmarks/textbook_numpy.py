#!/usr/bin/env python3
"""EASE and L3AE as their formulas stand in the papers: NumPy, LU inverses, dense products.

What a user would write or pick instead of this library, in a few plain lines. Prints one JSON
object, with the same keys as one_fit. Threads are OpenBLAS's (OPENBLAS_NUM_THREADS). With float,
NumPy multiplies in float, but inverts in double and rounds: its `inv` knows nothing narrower.
"""

import argparse
import json
import pathlib
import resource
import time

import numpy as np
import scipy.sparse as sp

import numpy_blas


def ease(gram, ridge):
    p = np.linalg.inv(gram + ridge * np.eye(len(gram), dtype=gram.dtype))
    b = p / -np.diag(p)
    np.fill_diagonal(b, 0)
    return b


def l3ae(gram, embeddings, lambda_x, lambda_f, lambda_kd):
    s = ease(embeddings @ embeddings.T, lambda_f)
    eye = np.eye(len(gram), dtype=gram.dtype)
    p = np.linalg.inv(gram + (lambda_x + lambda_kd) * eye)
    ps = p @ s
    mu = (1 + lambda_kd * np.diag(ps)) / np.diag(p)
    b = eye + lambda_kd * ps - p * mu
    np.fill_diagonal(b, 0)
    return b


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--model", choices=["ease", "l3ae"], default="l3ae")
    parser.add_argument("--scalar", choices=["float", "double"], default="double")
    parser.add_argument("--lambda", dest="ridge", type=float, default=100)
    parser.add_argument("--lambda-x", type=float, default=-50)
    parser.add_argument("--lambda-f", type=float, default=10)
    parser.add_argument("--lambda-kd", type=float, default=150)
    args = parser.parse_args()

    dtype = np.float32 if args.scalar == "float" else np.float64
    x = sp.load_npz(args.data / "train.npz").astype(dtype).tocsr()
    embeddings = np.load(args.data / "embeddings.npy") if args.model == "l3ae" else None

    start = time.perf_counter()
    gram = (x.T @ x).toarray()
    if args.model == "ease":
        b = ease(gram, args.ridge)
    else:
        b = l3ae(gram, embeddings.astype(dtype), args.lambda_x, args.lambda_f, args.lambda_kd)
    seconds = time.perf_counter() - start

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    norm = float(np.sqrt(sum(float(row @ row) for row in b.astype(np.float64))))
    print(json.dumps({"model": args.model, "scalar": args.scalar, "items": len(gram),
                      "fit_seconds": seconds, "process_peak_bytes": peak, "frobenius": norm,
                      "openblas_kernel": numpy_blas.kernel()}))


if __name__ == "__main__":
    main()
