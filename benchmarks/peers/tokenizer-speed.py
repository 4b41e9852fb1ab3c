"""The tokenizers library, asked by tokenizer-speed.ts: a JSON object a line in, one a line out.

{"load": path}                         a tokenizer.json; truncation and padding are switched off
{"texts": [...]}                       the texts of the next runs
{"hash": true}                         answers with a hash of their ids
{"run": "encode" | "encode_batch" | "encode_batch_fast"}   answers with the processor seconds of one pass over them
"""
import hashlib
import json
import os
import sys
import time

# One core, as the other side has: these are read when the library is first used.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def hash_of(encodings):
    digest = hashlib.sha256()
    for encoding in encodings:
        digest.update((" ".join(map(str, encoding.ids)) + "\n").encode())
    return digest.hexdigest()


tokenizer = None
texts = []
for line in sys.stdin:
    request = json.loads(line)
    if "load" in request:
        tokenizer = tokenizers.Tokenizer.from_file(request["load"])
        tokenizer.no_truncation()
        tokenizer.no_padding()
        answer({"version": tokenizers.__version__, "python": sys.version.split()[0]})
    elif "texts" in request:
        texts = request["texts"]
        answer({})
    elif "hash" in request:
        answer({"hash": hash_of(tokenizer.encode_batch(texts))})
    else:
        method = getattr(tokenizer, request["run"])
        started = time.process_time()
        if request["run"] == "encode":
            for text in texts:
                method(text)
        else:
            method(texts)
        answer({"seconds": time.process_time() - started})
