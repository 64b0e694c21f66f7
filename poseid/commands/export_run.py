"""``poseid export``: from a MODEL to the file that ships, and its card."""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.output import whole_files
from poseid.enhancers.models import dim_of, open_model
from poseid.enhancers.onnx_export import OPSET, to_onnx
from poseid.enhancers.onnx_module import OnnxModule
from poseid.enhancers.saving import save_enhancer
from poseid.errors import InputError
from poseid.reports.model_card import card


def run_export(arguments: argparse.Namespace) -> None:
    """Writes FILE and FILE.md, both or none, and prints what they are."""
    out: Path = arguments.out
    kind = out.suffix.lower()
    if kind not in (".onnx", ".safetensors"):
        raise InputError(f"--out {out}: must end in .onnx or .safetensors")
    if kind == ".safetensors" and (arguments.fp16 or arguments.opset is not None):
        raise InputError("--fp16 and --opset are for .onnx: leave them out, or export to .onnx")
    saved = open_model(arguments.model)
    if isinstance(saved.enhancer, OnnxModule):
        raise InputError(f"{arguments.model}: is exported already; give what it was exported from")
    with whole_files(out, out.with_name(f"{out.name}.md")) as (file, card_file):
        if kind == ".onnx":
            content, difference = to_onnx(saved.enhancer, saved.info, arguments.opset or OPSET, arguments.fp16)
            file.write_bytes(content)
            made = (
                f"ONNX, opset {arguments.opset or OPSET}, {'float16' if arguments.fp16 else 'float32'} weights; "
                f"largest difference from torch {difference:.1e} of a row's length"
            )
        else:
            save_enhancer(saved.enhancer, saved.info, file)
            made = "safetensors, the weights bit for bit"
        card_file.write_text(card(saved.info, dim_of(saved.enhancer), out.name, made), encoding="utf-8", newline="\n")
        size = file.stat().st_size
    print(f"{out}: {made}; {size / 1e6:.2f} MB")
    print(f"{out}.md: the model card")
