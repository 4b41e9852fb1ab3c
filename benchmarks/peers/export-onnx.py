"""The ONNX model that sentence-transformers exports by itself, and the 8-bit one that it makes of it for this processor.

usage: export-onnx.py CHECKPOINT OUT
Prints the names of both files in OUT as JSON.
"""

import json
import os
import sys
from pathlib import Path

OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model  # noqa: E402


def kind_of_this_processor():
    """Of the four that it knows (arm64, avx2, avx512, avx512_vnni)."""
    if os.uname().machine in ("aarch64", "arm64"):
        return "arm64"
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    return "avx512_vnni" if "avx512_vnni" in flags else "avx512" if "avx512f" in flags else "avx2"


def main():
    checkpoint, out = sys.argv[1:]
    model = SentenceTransformer(checkpoint, device="cpu", backend="onnx", local_files_only=True, model_kwargs={"export": True, "provider": "CPUExecutionProvider"})
    model.save_pretrained(out)
    kind = kind_of_this_processor()
    before = set(Path(out).rglob("*.onnx"))
    export_dynamic_quantized_onnx_model(model, kind, out)
    (quantized,) = set(Path(out).rglob("*.onnx")) - before
    OUT.write(json.dumps({"fp32": "onnx/model.onnx", "int8": quantized.relative_to(out).as_posix(), "kind": kind}) + "\n")


main()
