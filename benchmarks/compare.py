#!/usr/bin/env python3
"""Tables of whole fits, each in a process of its own.

    compare.py textbook --data DIR [DIR ...]   this library and textbook_numpy.py in turn, after a
                                               word on the kernel that OpenBLAS runs
    compare.py growth                          n = 1,000 to 16,000: time and bytes follow the estimate
    compare.py elimination --data DIR [DIR ...]   fits with and without it, in turn
    compare.py books                           the largest set of the L3AE paper, primal and dual
    compare.py grid --data DIR [DIR ...]       a search of 42 points of L3AE beside one fit
    compare.py memory                          the peak of searches beside their memory budget
    compare.py prepare                         prepare_amazon on large made-up files

Fits and searches run on --threads threads, whatever the environment says of threads and kernels.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RELEASE = HERE.parent / "build" / "release"
ONE_FIT = RELEASE / "benchmarks" / "one_fit"
ONE_SEARCH = RELEASE / "benchmarks" / "one_search"

# Variables that set threads, kernels or allocators begin with these.
STEERING = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "NPY_", "MALLOC_",
            "GLIBC_TUNABLES")

# Kernels of OpenBLAS, youngest first, and the flags in /proc/cpuinfo that each of them needs.
AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
KERNELS = {"Cooperlake": AVX512 | {"avx512_bf16"}, "SkylakeX": AVX512, "Zen": {"avx2", "fma"},
           "Haswell": {"avx2", "fma"}, "Sandybridge": {"avx"}}


def try_run(command, threads, kernel=None):
    """What a program prints as JSON, in a known environment; None if it fails."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(STEERING)}
    environment.update(OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                       PYTHONDONTWRITEBYTECODE="1")
    if kernel:
        environment["OPENBLAS_CORETYPE"] = kernel
    result = subprocess.run([str(part) for part in command], env=environment, check=False,
                            stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else None


def run(command, threads, kernel=None):
    result = try_run(command, threads, kernel)
    if result is None:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return result


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def header(*cells):
    row(*cells)
    row(*["---"] + ["---:"] * (len(cells) - 1))


def kernels_of_processor():
    """Those of KERNELS that this processor can run."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        flags = next((set(line.split()) for line in cpuinfo if line.startswith("flags")), set())
    return [kernel for kernel, needed in KERNELS.items() if needed <= flags]


def kernel_seconds(args, kernel):
    """The kernel that OpenBLAS takes if this one is asked for, and how long it needs for a product
    and an inversion of n = 1,500 on one thread."""
    probe = try_run([args.python, HERE / "numpy_blas.py", 1500], 1, kernel)
    if probe is None:
        return None, float("inf")  # the processor can't run it
    return probe["openblas_kernel"], probe["product_seconds"] + probe["inverse_seconds"]


def kernel_for(args):
    """The kernel to force, or None; says before the table what runs and what others would do."""
    own, _ = kernel_seconds(args, None)
    if not own:
        if args.openblas_kernel:
            sys.exit(f"the NumPy of {args.python} does not use OpenBLAS: no kernel to choose")
        print("NumPy does not use OpenBLAS here.\n", flush=True)
        return None
    names = [own, *kernels_of_processor()]
    forced = None
    if args.openblas_kernel and args.openblas_kernel != "best":
        forced, _ = kernel_seconds(args, args.openblas_kernel)
        if not forced or forced.lower() != args.openblas_kernel.lower():
            sys.exit(f"OpenBLAS can't be made to run its kernel {args.openblas_kernel} here"
                     + (f": it runs {forced}" if forced else ""))
        names.append(forced)
    seconds = {}
    for _ in range(2):  # in turn, since the machine may be busy for a while
        for name in dict.fromkeys(names):
            taken, needed = kernel_seconds(args, None if name == own else name)
            if taken == name:
                seconds[name] = min(needed, seconds.get(name, needed))
    best = min(seconds, key=seconds.get)
    used, why = ((forced, "forced") if forced else
                 (best, "the fastest of these") if args.openblas_kernel else
                 (own, "its own choice"))
    times = ", ".join(f"{name} {seconds[name]:.2f} s" for name in sorted(seconds, key=seconds.get))
    print(f"OpenBLAS runs its kernel {used} ({why}). A product and an inversion of n = 1,500 in "
          f"NumPy on one thread: {times}.\n", flush=True)
    if seconds[own] > 1.2 * seconds[best]:
        print(f"Warning: {own}, which OpenBLAS chooses by itself on this processor, takes "
              f"{seconds[own] / seconds[best]:.1f} times as long as {best}"
              + ("" if used == best else " (--openblas-kernel best)") + ".\n", flush=True)
    return used if args.openblas_kernel else None


def textbook(args):
    """Both sides in both precisions in turn; floats also against what NumPy takes by default."""
    args.kernel = kernel_for(args)
    header("fit", "lae s", "NumPy s", "times faster", "than NumPy in double", "lae peak MB",
           "NumPy peak MB", "of its memory")
    for data in args.data:
        for model in args.models:
            rounds = [textbook_round(data, model, args) for _ in range(args.rounds)]
            for scalar in args.scalars:

                def median(value):
                    return statistics.median(
                        value(ours[scalar], theirs[scalar], theirs["double"])
                        for ours, theirs in rounds)

                row(f"{model}, {scalar}, {pathlib.Path(data).name}",
                    f"{median(lambda a, b, _: a['fit_seconds']):.2f}",
                    f"{median(lambda a, b, _: b['fit_seconds']):.2f}",
                    f"{median(lambda a, b, _: b['fit_seconds'] / a['fit_seconds']):.1f}",
                    f"{median(lambda a, _, c: c['fit_seconds'] / a['fit_seconds']):.1f}",
                    f"{median(lambda a, b, _: a['process_peak_bytes']) / 1e6:.0f}",
                    f"{median(lambda a, b, _: b['process_peak_bytes']) / 1e6:.0f}",
                    f"{median(lambda a, b, _: a['process_peak_bytes'] / b['process_peak_bytes']):.2f}")


def textbook_round(data, model, args):
    """The fits of the library and of NumPy, by scalar."""
    ours, theirs = {}, {}
    for scalar in dict.fromkeys(["double", *args.scalars]):
        options = ["--data", data, "--model", model, "--scalar", scalar]
        theirs[scalar] = run([args.python, HERE / "textbook_numpy.py", *options], args.threads,
                             args.kernel)
        if args.kernel and theirs[scalar]["openblas_kernel"] != args.kernel:
            sys.exit(f"NumPy ran the kernel {theirs[scalar]['openblas_kernel']}")
        if scalar not in args.scalars:
            continue
        ours[scalar] = run([ONE_FIT, *options], args.threads, args.kernel)
        difference = abs(ours[scalar]["frobenius"] / theirs[scalar]["frobenius"] - 1)
        if difference > (2e-3 if scalar == "float" else 1e-9):
            sys.exit(f"the two sides disagree: Frobenius norms {ours[scalar]['frobenius']} and "
                     f"{theirs[scalar]['frobenius']}")
    return ours, theirs


def fit_row(name, fit):
    row(name, f"{fit['flops'] / 1e9:.0f}", f"{fit['fit_seconds']:.2f}",
        f"{fit['flops'] / fit['fit_seconds'] / 1e9:.1f}", f"{fit['gemm_gflops']:.1f}",
        fit["gemm_by"] if fit["gemm_by"] == "eigen" else f"openblas {fit['openblas_kernel']}",
        f"{fit['share_of_gemm']:.2f}", f"{fit['peak_bytes'] / 1e6:.0f}",
        f"{fit['estimated_bytes'] / 1e6:.0f}", f"{fit['estimated_bytes'] / fit['peak_bytes']:.3f}",
        f"{fit['process_peak_bytes'] / 1e6:.0f}")


FIT_COLUMNS = ["Gflop", "s", "GFLOP/s", "GEMM", "of", "share", "peak MB",
               "estimate MB", "estimate / peak", "process MB"]


def growth(args):
    kernel = kernel_for(args) if args.openblas_kernel else None
    header("fit", *FIT_COLUMNS)
    for model in args.models:
        for scalar in args.scalars:
            for n in args.sizes:
                # The form whose flops follow from sizes alone.
                fit = run([ONE_FIT, "--model", model, "--scalar", scalar, "--form", "primal",
                           "--synthetic", f"{2 * n},{n},{16 * n},512"], args.threads, kernel)
                fit_row(f"{model}, {scalar}, n = {n}", fit)


def elimination(args):
    """The primal form with every item in the dense inverse, and with some eliminated before it."""
    header("fit", "items", "of n^3 left", "primal s", "eliminated s", "times faster",
           "primal peak MB", "eliminated peak MB")
    for data in args.data:
        for model in args.models:
            for scalar in args.scalars:
                forms = {"primal": [], "eliminated": []}
                for _ in range(args.rounds):
                    for form, fits in forms.items():
                        fits.append(run([ONE_FIT, "--data", data, "--model", model, "--scalar",
                                         scalar, "--form", form], args.threads))
                seconds = {form: statistics.median(fit["fit_seconds"] for fit in fits)
                           for form, fits in forms.items()}
                peaks = [max(fit["peak_bytes"] for fit in fits) / 1e6 for fits in forms.values()]
                one = forms["eliminated"][0]
                row(f"{model}, {scalar}, {pathlib.Path(data).name}", str(one["items"]),
                    f"{one['share_of_cube']:.2f}", f"{seconds['primal']:.2f}",
                    f"{seconds['eliminated']:.2f}",
                    f"{seconds['primal'] / seconds['eliminated']:.2f}",
                    *[f"{peak:.0f}" for peak in peaks])


def books(args):
    """25,300 users, 30,966 items, 512,721 interactions, embeddings of 4,096 dimensions."""
    kernel = kernel_for(args) if args.openblas_kernel else None
    header("fit", *FIT_COLUMNS)
    for scalar in args.scalars:
        for form in args.forms:
            fit = run([ONE_FIT, "--model", "l3ae", "--scalar", scalar, "--form", form,
                       "--synthetic", "25300,30966,512721,4096"], args.threads, kernel)
            fit_row(f"L3AE, {scalar}, {fit['form']}", fit)


def grid(args):
    """7 λ_F x 6 λ_KD, evaluated on the validation set."""
    header("data, scalar", "points", "one fit s", "grid s", "grid / fit")
    for data in args.data:
        for scalar in args.scalars:
            fit = run([ONE_FIT, "--data", data, "--scalar", scalar, "--grid"], args.threads)
            row(f"{pathlib.Path(data).name}, {scalar}", str(fit["grid_points"]),
                f"{fit['fit_seconds']:.2f}", f"{fit['grid_seconds']:.2f}",
                f"{fit['grid_seconds'] / fit['fit_seconds']:.2f}")


def memory(args):
    """20 points over many users, then the search of both, EASE and L3AE, over many items: the
    budgets are multiples of what the squares of items take."""
    header("search", "budget MB", "peak MB", "peak / budget", "s")
    for scalar in args.scalars:
        scale = 1 if scalar == "double" else 0.5
        many_users = [["--synthetic", f"{args.users},200,{3 * args.users},32", "--points", 20,
                       "--model", model, "--budget-mb", budget]
                      for model in args.models for budget in args.budgets]
        square = 8e-6 * scale * args.items ** 2
        many_items = [["--synthetic", f"{2 * args.items},{args.items},{16 * args.items},256",
                       "--model", "tune_l3ae", "--budget-mb", squares * square]
                      for squares in args.squares]
        for options in many_users + many_items:
            search = run([ONE_SEARCH, "--scalar", scalar, *options], args.threads)
            refused = (f"refused: needs {search['needed_bytes'] / 1e6:.0f} MB"
                       if "needed_bytes" in search else "")
            name = f"{search['model']}, {scalar}, {search['users']} users, {search['items']} items"
            row(name, f"{search['budget_bytes'] / 1e6:.0f}", f"{search['peak_bytes'] / 1e6:.0f}",
                refused or f"{search['peak_of_budget']:.2f}", f"{search['seconds']:.2f}")


def prepare(args):
    """5,000,000 ratings as CSV, 2,000,000 reviews as JSON lines; the best of some runs."""
    header("file", "MB", "s", "MB/s", "peak MB")
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        subprocess.run([RELEASE / "benchmarks" / "rating_files", "--output", scratch], check=True)
        for name in ["ratings.csv", "reviews.jsonl"]:
            path = pathlib.Path(scratch) / name
            seconds, peak = [], 0
            for _ in range(args.rounds):
                start = time.perf_counter()
                process = subprocess.Popen(
                    [RELEASE / "examples" / "apps" / "prepare_amazon", "--reviews", path, "--output",
                     pathlib.Path(scratch) / "out", "--replace"], stdout=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                if status != 0:
                    sys.exit("failed: prepare_amazon")
                seconds.append(time.perf_counter() - start)
                peak = max(peak, usage.ru_maxrss * 1024)
            size = path.stat().st_size / 1e6
            row(name, f"{size:.0f}", f"{min(seconds):.2f}", f"{size / min(seconds):.0f}",
                f"{peak / 1e6:.0f}")


def main():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    common.add_argument("--scalars", nargs="+", default=["double", "float"])
    common.add_argument("--models", nargs="+", default=["l3ae", "ease"])
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    blas = argparse.ArgumentParser(add_help=False)
    blas.add_argument("--python", default="/usr/bin/python3", help="one that has NumPy and SciPy")
    blas.add_argument("--openblas-kernel", metavar="NAME",
                      help="which of its kernels OpenBLAS is to run on all sides (by its variable "
                           "OPENBLAS_CORETYPE), such as Haswell, or `best`: the fastest of those "
                           "that this processor can run; default: what OpenBLAS chooses")

    command = commands.add_parser("textbook", parents=[common, blas])
    command.add_argument("--data", nargs="+", required=True)
    command.add_argument("--rounds", type=int, default=3)
    command.set_defaults(function=textbook)

    command = commands.add_parser("growth", parents=[common, blas])
    command.add_argument("--sizes", nargs="+", type=int, default=[1000, 2000, 4000, 8000, 16000])
    command.set_defaults(function=growth)

    command = commands.add_parser("elimination", parents=[common])
    command.add_argument("--data", nargs="+", required=True)
    command.add_argument("--rounds", type=int, default=2)
    command.set_defaults(function=elimination)

    command = commands.add_parser("books", parents=[common, blas])
    command.add_argument("--forms", nargs="+", default=["primal", "dual"])
    command.set_defaults(function=books)

    command = commands.add_parser("grid", parents=[common])
    command.add_argument("--data", nargs="+", required=True)
    command.set_defaults(function=grid)

    command = commands.add_parser("memory", parents=[common])
    command.add_argument("--users", type=int, default=300000)
    command.add_argument("--items", type=int, default=2000, help="of the search of both models")
    command.add_argument("--budgets", nargs="+", type=float, default=[60, 120, 480],
                         help="MB, of the searches over many users")
    command.add_argument("--squares", nargs="+", type=float, default=[1.25, 2, 4],
                         help="budgets of the search of both models, in items x items matrices")
    command.set_defaults(function=memory)

    command = commands.add_parser("prepare")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--scratch", help="folder for 1 GB of files; default: the system's")
    command.set_defaults(function=prepare)

    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
