"""Loads the portable graph of model folders in sentence-transformers (backend onnx) and compares with the folder's own probes and goldens.

usage: portable-graph.py [--goldens expected.json] FOLDER...
Prints one row a folder; exits with 1 where a float32 or 4-bit folder is below 0.99999.
"""

import argparse
import base64
import json
import platform
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import sentence_transformers
import torch
import transformers
from sentence_transformers import SentenceTransformer

FLOORS = {"fp32": 0.99999, "q4": 0.99999, "fp16": 0.9999}


def decode(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def graph_facts(folder):
    """Every operator has to be a standard one."""
    model = onnx.load(str(folder / "onnx/model.onnx"), load_external_data=False)
    onnx.checker.check_model(str(folder / "onnx/model.onnx"))
    domains = {node.domain or "ai.onnx" for node in model.graph.node}
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return opset, ", ".join(sorted(domains))


def compare(vectors, expected):
    cosines = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(vectors.astype(np.float64), expected.astype(np.float64))]
    return min(cosines), float(np.abs(vectors - expected).max())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goldens", type=Path)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    print(f"- versions: python {platform.python_version()}, sentence-transformers {sentence_transformers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}\n")
    print("| folder | variant | opset | operators of | compared with | texts | least cosine | largest difference |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    holds = True
    for folder in arguments.folders:
        space = json.loads((folder / "space.json").read_text())
        variant = space["variants"][0]["name"]
        opset, domains = graph_facts(folder)
        model = SentenceTransformer(str(folder), backend="onnx", device="cpu", local_files_only=True, model_kwargs={"file_name": "onnx/model.onnx", "provider": "CPUExecutionProvider"})
        prompts = space["identity"]["prompts"]
        probes = space["probes"]
        cases = [("probes", [("" if probe["role"] is None else prompts[probe["role"]]) + probe["text"] for probe in probes], [decode(probe["dense"]) for probe in probes])]
        if arguments.goldens is not None and "MiniLM" in space["modelId"]:
            goldens = json.loads(arguments.goldens.read_text())["cases"]
            cases.append(("goldens", [case["text"] for case in goldens], [decode(case["embedding"]) for case in goldens]))
        for name, texts, expected in cases:
            cosine, largest = compare(model.encode(texts, batch_size=16, prompt=""), np.stack(expected))
            holds &= cosine >= FLOORS[variant]
            print(f"| {folder.name} | {variant} | {opset} | {domains} | {name} | {len(texts)} | {cosine:.7f} | {largest:.2e} |")
    sys.exit(0 if holds else 1)


main()
