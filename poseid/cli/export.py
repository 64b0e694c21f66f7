"""Export a MODEL to one file that ships: FILE.onnx or FILE.safetensors, and a model card FILE.md beside it.

ONNX: inputs features (rows, D) and poses (rows, 3) in degrees, float32, any number of rows; a row of poses that holds
NaN is unknown. It is checked against torch in onnxruntime before it is written (needs the extra onnx) and runs
without torch: poseid.load("FILE.onnx"), poseid enhance FILE.onnx, or onnxruntime alone. Safetensors is for torch.
Both carry configuration, versions, the fingerprint of the training vectors and the figures of the report in their
header.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import integer
from poseid.interrupt import importing

NAME = "export"
HELP = "write a MODEL as ONNX or safetensors, with a model card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a run or baseline directory, .safetensors, .ckpt or raw")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.onnx or FILE.safetensors")
    fp16 = "ONNX: matrices in float16, half the size; inputs, outputs and computing stay float32"
    parser.add_argument("--fp16", action="store_true", help=fp16)
    parser.add_argument("--opset", type=integer(18), metavar="N", help="ONNX: version of the operators (18)")


def run(arguments: argparse.Namespace) -> None:
    """Writes FILE and FILE.md, both or none, and prints what they are."""
    with importing():
        from poseid.atomic import atomic_file
        from poseid.enhancers.onnx_export import OPSET, to_onnx
        from poseid.enhancers.saving import OnnxModel, open_model, save_enhancer
        from poseid.errors import InputError
        from poseid.reports.model_card import card

    out: Path = arguments.out
    kind = out.suffix.lower()
    if kind not in (".onnx", ".safetensors"):
        raise InputError(f"--out {out}: must end in .onnx or .safetensors")
    if kind == ".safetensors" and (arguments.fp16 or arguments.opset is not None):
        raise InputError("--fp16 and --opset are for .onnx: leave them out, or export to .onnx")
    saved = open_model(arguments.model)
    if isinstance(saved.enhancer, OnnxModel):
        raise InputError(f"{arguments.model}: is exported already; give what it was exported from")
    card_path = out.with_name(f"{out.name}.md")
    for path in (out, card_path):
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: is there already: remove it or choose another name")
    with atomic_file(out) as file, atomic_file(card_path) as card_file:
        if kind == ".onnx":
            opset = arguments.opset or OPSET
            content, difference = to_onnx(saved.enhancer, saved.info, opset, arguments.fp16)
            file.write_bytes(content)
            made = (
                f"ONNX, opset {opset}, {'float16' if arguments.fp16 else 'float32'} weights; "
                f"largest difference from torch {difference:.1e} of a row's length"
            )
        else:
            save_enhancer(saved.enhancer, saved.info, file)
            made = "safetensors, the weights bit for bit"
        card_file.write_text(card(saved.info, saved.enhancer.dim, out.name, made), encoding="utf-8", newline="\n")
        size = file.stat().st_size
    print(f"{out}: {made}; {size / 1e6:.2f} MB")
    print(f"{out}.md: the model card")
