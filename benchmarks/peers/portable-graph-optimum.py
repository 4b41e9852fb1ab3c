"""Loads the portable graph of model folders in Optimum's ORTModelForFeatureExtraction, pools as space.json says and compares with the folder's own probes.

usage: portable-graph-optimum.py FOLDER...
Prints one row a folder; exits with 1 where a float32 or 4-bit folder is below 0.99999.
"""

import base64
import importlib.metadata
import json
import platform
import sys
from pathlib import Path

import numpy as np
from optimum.onnxruntime import ORTModelForFeatureExtraction
from transformers import AutoTokenizer

FLOORS = {"fp32": 0.99999, "q4": 0.99999, "fp16": 0.9999}


def decode(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def main():
    print(f"- versions: python {platform.python_version()}, " + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("optimum", "optimum-onnx", "transformers", "onnxruntime")) + "\n")
    print("| folder | variant | pooling | probes | least cosine | largest difference |\n| --- | --- | --- | --- | --- | --- |")
    holds = True
    for folder in map(Path, sys.argv[1:]):
        space = json.loads((folder / "space.json").read_text())
        identity, variant = space["identity"], space["variants"][0]["name"]
        model = ORTModelForFeatureExtraction.from_pretrained(folder, subfolder="onnx", file_name="model.onnx", local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        cosines, largest = [], 0.0
        for probe in space["probes"]:
            text = ("" if probe["role"] is None else identity["prompts"][probe["role"]]) + probe["text"]
            inputs = tokenizer(text, return_tensors="np", truncation=True, max_length=identity["maxTokens"])
            hidden = np.asarray(model(**inputs).last_hidden_state)[0].astype(np.float64)
            vector = hidden[0] if identity["pooling"] == ["cls"] else hidden.mean(axis=0)
            if identity["normalize"]:
                vector = vector / np.linalg.norm(vector)
            expected = decode(probe["dense"]).astype(np.float64)
            cosines.append(float(vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected)))
            largest = max(largest, float(np.abs(vector - expected).max()))
        holds = holds and min(cosines) >= FLOORS[variant]
        print(f"| {folder.name} | {variant} | {'+'.join(identity['pooling'])} | {len(cosines)} | {min(cosines):.7f} | {largest:.2e} |")
    sys.exit(0 if holds else 1)


main()
