"""One Python library behind the protocol of benchmarks/side-by-side/peer-process.ts: a line of JSON in, a line out.

usage: encode.py '{"library": "sentence-transformers", "model": DIR, ...}'
First line out: {"ready": true, "versions": {...}}. Then for each line in
{"texts": [...], "vectors": bool}  -> {"seconds": s, "vectors": [base64 of float32, little-endian]}
{"texts": [...], "alone": true}    -> {"milliseconds": [...]}: each text in a call of its own.
"""

import base64
import json
import os
import sys
import time

# Libraries print too: their lines go to stderr.
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
BATCH = 32


def say(message):
    OUT.write(json.dumps(message) + "\n")
    OUT.flush()


def sentence_transformers(options):
    import sentence_transformers as library
    import torch
    import transformers

    versions = {"sentence-transformers": library.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    backend = options.get("backend", "torch")
    if backend == "onnx":
        import onnxruntime

        versions["onnxruntime"] = onnxruntime.__version__
        arguments = {"file_name": options["file"], "provider": "CPUExecutionProvider"}
    else:
        arguments = {"torch_dtype": getattr(torch, options["dtype"])}
    model = library.SentenceTransformer(options["model"], device="cpu", backend=backend, local_files_only=True, model_kwargs=arguments)
    return lambda texts: model.encode(texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True), versions


def fastembed(options):
    import fastembed as library
    import onnxruntime

    model = library.TextEmbedding(options["name"], specific_model_path=options["model"], providers=["CPUExecutionProvider"])
    return lambda texts: list(model.embed(texts, batch_size=BATCH)), {"fastembed": library.__version__, "onnxruntime": onnxruntime.__version__}


def main():
    options = json.loads(sys.argv[1])
    encode, versions = {"sentence-transformers": sentence_transformers, "fastembed": fastembed}[options["library"]](options)
    say({"ready": True, "versions": versions})
    for line in sys.stdin:
        request = json.loads(line)
        texts = request["texts"]
        if request.get("alone"):
            times = []
            for text in texts:
                started = time.perf_counter()
                encode([text])
                times.append(1000 * (time.perf_counter() - started))
            say({"milliseconds": times})
            continue
        started = time.perf_counter()
        vectors = encode(texts)
        answer = {"seconds": time.perf_counter() - started}
        if request.get("vectors"):
            import numpy

            answer["vectors"] = [base64.b64encode(numpy.asarray(vector, dtype="<f4").tobytes()).decode() for vector in vectors]
        say(answer)


main()
