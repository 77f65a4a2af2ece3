#!/usr/bin/env python3
"""Tables of whole fits, each in a process of its own.

    compare.py textbook --data DIR [DIR ...]   this library and textbook_numpy.py in turn
    compare.py growth                          n = 1,000 to 16,000: time and bytes follow the estimate
    compare.py books                           the largest set of the L3AE paper, primal and dual
    compare.py grid --data DIR [DIR ...]       a search of 42 points of L3AE beside one fit
    compare.py prepare                         prepare_amazon on large made-up files
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


def run(command, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    result = subprocess.run([str(part) for part in command], env=environment, check=False,
                            stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return json.loads(result.stdout)


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def header(*cells):
    row(*cells)
    row(*["---"] + ["---:"] * (len(cells) - 1))


def textbook(args):
    """Both sides in both precisions in turn; floats also against what NumPy takes by default."""
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
        theirs[scalar] = run([args.python, HERE / "textbook_numpy.py", *options], args.threads)
        if scalar not in args.scalars:
            continue
        ours[scalar] = run([ONE_FIT, *options], args.threads)
        difference = abs(ours[scalar]["frobenius"] / theirs[scalar]["frobenius"] - 1)
        if difference > (2e-3 if scalar == "float" else 1e-9):
            sys.exit(f"the two sides disagree: Frobenius norms {ours[scalar]['frobenius']} and "
                     f"{theirs[scalar]['frobenius']}")
    return ours, theirs


def fit_row(name, fit):
    row(name, f"{fit['flops'] / 1e9:.0f}", f"{fit['fit_seconds']:.2f}",
        f"{fit['flops'] / fit['fit_seconds'] / 1e9:.1f}", f"{fit['gemm_gflops']:.1f}",
        f"{fit['share_of_gemm']:.2f}", f"{fit['peak_bytes'] / 1e6:.0f}",
        f"{fit['estimated_bytes'] / 1e6:.0f}", f"{fit['estimated_bytes'] / fit['peak_bytes']:.3f}",
        f"{fit['process_peak_bytes'] / 1e6:.0f}")


FIT_COLUMNS = ["Gflop", "s", "GFLOP/s", "GEMM", "share", "peak MB", "estimate MB",
               "estimate / peak", "process MB"]


def growth(args):
    header("fit", *FIT_COLUMNS)
    for model in args.models:
        for scalar in args.scalars:
            for n in args.sizes:
                fit = run([ONE_FIT, "--model", model, "--scalar", scalar, "--synthetic",
                           f"{2 * n},{n},{16 * n},512"], args.threads)
                fit_row(f"{model}, {scalar}, n = {n}", fit)


def books(args):
    """25,300 users, 30,966 items, 512,721 interactions, embeddings of 4,096 dimensions."""
    header("fit", *FIT_COLUMNS)
    for scalar in args.scalars:
        for form in args.forms:
            fit = run([ONE_FIT, "--model", "l3ae", "--scalar", scalar, "--form", form,
                       "--synthetic", "25300,30966,512721,4096"], args.threads)
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

    command = commands.add_parser("textbook", parents=[common])
    command.add_argument("--data", nargs="+", required=True)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--python", default="/usr/bin/python3", help="one that has NumPy and SciPy")
    command.set_defaults(function=textbook)

    command = commands.add_parser("growth", parents=[common])
    command.add_argument("--sizes", nargs="+", type=int, default=[1000, 2000, 4000, 8000, 16000])
    command.set_defaults(function=growth)

    command = commands.add_parser("books", parents=[common])
    command.add_argument("--forms", nargs="+", default=["primal", "dual"])
    command.set_defaults(function=books)

    command = commands.add_parser("grid", parents=[common])
    command.add_argument("--data", nargs="+", required=True)
    command.set_defaults(function=grid)

    command = commands.add_parser("prepare")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--scratch", help="folder for 1 GB of files; default: the system's")
    command.set_defaults(function=prepare)

    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
