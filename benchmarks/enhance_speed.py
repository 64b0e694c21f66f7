"""How long enhancing takes against the bare matrix products of the same shapes, side by side in one run.

python benchmarks/enhance_speed.py [--rows N] [--threads N]

Two states of the default model, D = 512: "closed form", where an epoch without the network was selected, and
"trained", where every weight counts. The bare products are those of all its weight matrices with rows in
memory, nothing else. One row: the time of `enhance` on a float32 row with a pose, divided by that of the products
(lower is better). Many rows: rows a second from a float16 .npy to a float16 .npy, divided by rows a second
of the products (higher is better).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from table import HEADING, row

import poseid
from poseid.enhancers.api import LoadedEnhancer
from poseid.enhancers.closed_form import ENOUGH_PEOPLE
from poseid.enhancers.header import info_of
from poseid.enhancers.onnx_export import to_onnx
from poseid.enhancers.onnx_run import onnx_session
from poseid.enhancers.registry import build
from poseid.enhancers.residual import ResidualEnhancer
from poseid.enhancers.saving import save_enhancer

DIM = 512
BLOCK = 4096  # rows of one bare product
OPTIONS = {"init": "ridge", "dim": DIM}


def model(trained: bool) -> ResidualEnhancer:
    """The default model with a closed form of random numbers, and trained paths of random numbers or none."""
    torch.manual_seed(0)
    enhancer = build("residual", OPTIONS)
    assert isinstance(enhancer, ResidualEnhancer)
    closed_form = enhancer.closed_form
    assert closed_form is not None
    with torch.no_grad():
        # As after a fit on enough people for the full correction.
        closed_form.people.fill_(2 * ENOUGH_PEOPLE)
        closed_form.matrix.add_(0.01 * torch.randn(DIM, DIM))
        closed_form.centre.normal_(std=0.01)
        closed_form.bias_direction.normal_()
        if trained:
            enhancer.linear_path.weight.normal_(std=0.01)
            enhancer.low_rank_path.weight.normal_(std=0.01)
    return enhancer.eval()


def products(enhancer: ResidualEnhancer, rows: int) -> Callable[[], object]:
    """All matrix products of a model, nothing else."""
    assert enhancer.closed_form is not None
    linear = [
        layer.weight.detach().T.contiguous() for layer in enhancer.modules() if isinstance(layer, torch.nn.Linear)
    ]
    pairs = [(torch.randn(rows, len(matrix)), matrix) for matrix in (*linear, enhancer.closed_form.matrix)]

    @torch.inference_mode()
    def multiply() -> object:
        return [rows @ matrix for rows, matrix in pairs]

    return multiply


def repeated(multiply: Callable[[], object], rows: int) -> Callable[[], object]:
    """As many products of a block as so many rows need."""

    def multiply_all() -> None:
        for _ in range(0, rows, BLOCK):
            multiply()

    return multiply_all


def seconds(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of each call, taken in turn; the lowest decile, which what else the machine does hardly touches."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats + 2):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if repeat >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: float(np.quantile(values, 0.1)) for name, values in times.items()}


def file_to_file(enhancer: LoadedEnhancer, source: Path, poses: np.ndarray, target: Path) -> None:
    features = np.load(source, mmap_mode="r")
    out = np.lib.format.open_memmap(target, mode="w+", dtype=features.dtype, shape=features.shape)
    step = 65536
    for start in range(0, len(features), step):
        block = slice(start, start + step)
        out[block] = enhancer.enhance(features[block], poses[block])
    out.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(arguments.rows, DIM)).astype(np.float16)
    poses = rng.uniform(-90, 90, size=(arguments.rows, 3)).astype(np.float32)
    one, pose = features[0].astype(np.float32), poses[0]
    print(HEADING)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        np.save(work / "in.npy", features)
        for trained in (False, True):
            enhancer = model(trained)
            header = {"model": {"name": "residual", **OPTIONS}, "sides": "probe"}
            save_enhancer(enhancer, header, work / "m.safetensors")
            run, _, dim = onnx_session(to_onnx(enhancer, header)[0], "model", arguments.threads)
            opened = {
                "torch": poseid.load(work / "m.safetensors"),
                "onnxruntime": LoadedEnhancer(run, False, info_of(header, dim), lambda: ("", None)),
            }
            single: dict[str, Callable[[], object]] = {"products": products(enhancer, 1)}
            many: dict[str, Callable[[], object]] = {"products": repeated(products(enhancer, BLOCK), arguments.rows)}
            for name, loaded in opened.items():
                single[name] = partial(loaded.enhance, one, pose)
                many[name] = partial(file_to_file, loaded, work / "in.npy", poses, work / "out.npy")
            of_one, of_many = seconds(single, 500), seconds(many, 3)
            for name in opened:
                case = f"{'trained' if trained else 'closed form'}, {name}"
                ours, bare = of_one[name], of_one["products"]
                times = (f"{1e6 * ours:.0f} µs", f"{1e6 * bare:.0f} µs")
                print(row(f"one row, {case}: time of the products alone", *times, ours / bare, most=3))
                ours, bare = of_many[name], of_many["products"]
                times = (f"{ours:.2f} s", f"{bare:.2f} s")
                case = f"{arguments.rows:,} rows, npy to npy, {case}: of their rate"
                print(row(case, *times, bare / ours, least=0.8))


if __name__ == "__main__":
    main()
