#!/usr/bin/env python3
"""The OpenBLAS below NumPy: which of its kernels it chose, and how fast that one is.

    numpy_blas.py [N]     times a product and an inversion of N x N doubles; prints one JSON object

Times are of processors, all threads together: on one thread (OPENBLAS_NUM_THREADS=1), they hardly
depend on what else the machine is doing.

OpenBLAS has a kernel for each kind of processor and picks one when it is loaded, by a list of
models. On a processor younger than the list this may be one several times slower than its best.
OPENBLAS_CORETYPE forces another.
"""

import ctypes
import json
import os
import sys
import time

import numpy as np


def kernel():
    """The name of the kernel, such as "Haswell"; empty if NumPy does not use OpenBLAS."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(maxsplit=5)[5].strip() for line in maps if "blas" in line}
    # Wheels of SciPy bring one of their own.
    for path in sorted(paths, key=lambda path: ("numpy" not in path, path)):
        try:
            library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            continue  # a file, but not a library
        # Wheels have names of their own, too, for 64-bit sizes.
        for name in (prefix + "openblas_get_corename" + suffix
                     for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")):
            function = getattr(library, name, None)
            if function is not None:
                function.restype = ctypes.c_char_p
                return function().decode()
    return ""


def seconds(compute, repeats=3):
    """The best of some."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        compute()
        times.append(time.process_time() - start)
    return min(times)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    random = np.random.default_rng(1)
    a, b = random.random((n, n)), random.random((n, n)) + n * np.eye(n)
    print(json.dumps({"openblas_kernel": kernel(), "product_seconds": seconds(lambda: a @ b),
                      "inverse_seconds": seconds(lambda: np.linalg.inv(b))}))


if __name__ == "__main__":
    main()
