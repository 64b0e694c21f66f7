"""Export a MODEL to one file that ships: FILE.onnx or FILE.safetensors, and a model card FILE.md beside it.

ONNX: inputs features (rows, D) and poses (rows, 3) in degrees, float32, any number of rows; a row of poses that holds
NaN is unknown. It is checked against torch in onnxruntime before it is written (needs the extra onnx) and runs
without torch: poseid.load("FILE.onnx"), poseid enhance FILE.onnx, or onnxruntime alone. Safetensors is for torch.
Both carry configuration, versions, the look of the training vectors and the figures of the report in their header.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.arguments import whole_number

NAME = "export"
HELP = "write a MODEL as ONNX or safetensors, with a model card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a run or baseline directory, .safetensors, .ckpt or raw")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.onnx or FILE.safetensors")
    parser.add_argument(
        "--fp16",
        action="store_true",
        help="ONNX: matrices in float16, half the size; inputs, outputs and computing stay float32",
    )
    parser.add_argument("--opset", type=whole_number(18), metavar="N", help="ONNX: version of the operators (18)")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.export_run import run_export

    run_export(arguments)
