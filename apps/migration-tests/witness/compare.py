"""
Embeds the texts of rows with other libraries than ours and compares the vectors that they have.

python compare.py MODEL_FOLDER COSINE < ROWS

A row is a line of JSON: id, text, and vector, base64 of what PostgreSQL's vector_send gives, or null. A static model runs
in model2vec; of a transformer the portable graph runs in ONNX Runtime with the tokenizers library, and its pooling and
prompts are those of the folder's files. Prints one line of JSON: how many rows were compared, how many have no vector of
their text, some of their ids, the least cosine, and what made the vectors.
"""
import base64
import importlib.metadata
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np

ROWS_AT_ONCE = 256
IDS_SHOWN = 20


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def static_model(folder):
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(str(folder))
    return lambda texts: model.encode(texts), ["model2vec"]


def transformer(folder):
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"])
    inputs = {each.name for each in session.get_inputs()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(read_json(folder / "sentence_bert_config.json")["max_seq_length"])
    tokenizer.enable_padding()
    pooling = read_json(folder / "1_Pooling" / "config.json")
    prompt = read_json(folder / "config_sentence_transformers.json").get("prompts", {}).get("document", "")

    def embed(texts):
        encodings = tokenizer.encode_batch([prompt + text for text in texts])
        feed = {
            "input_ids": np.array([each.ids for each in encodings], dtype=np.int64),
            "attention_mask": np.array([each.attention_mask for each in encodings], dtype=np.int64),
            "token_type_ids": np.array([each.type_ids for each in encodings], dtype=np.int64),
        }
        hidden = session.run(["last_hidden_state"], {name: value for name, value in feed.items() if name in inputs})[0]
        if pooling.get("pooling_mode_cls_token"):
            return hidden[:, 0]
        mask = feed["attention_mask"][:, :, None]
        return (hidden * mask).sum(1) / mask.sum(1)

    return embed, ["onnxruntime", "tokenizers"]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def decode(vector):
    """Two numbers of 16 bits, the dimension first, then big-endian float32."""
    return np.frombuffer(base64.b64decode(vector), dtype=">f4", offset=4).astype(np.float32)


def main(folder, floor):
    embed, libraries = (static_model if (folder / "model.safetensors").exists() else transformer)(folder)
    compared, wrong, least = 0, [], 1.0
    lines = iter(sys.stdin)
    while rows := [json.loads(line) for line in islice(lines, ROWS_AT_ONCE)]:
        expected = unit(np.asarray(embed([row["text"] for row in rows]), dtype=np.float64))
        for row, vector in zip(rows, expected):
            stored = None if row["vector"] is None else decode(row["vector"]).astype(np.float64)
            cosine = -1.0 if stored is None or stored.shape != vector.shape else float(unit(stored) @ vector)
            least = min(least, cosine)
            # Not a number is wrong too.
            if not cosine >= floor:
                wrong.append(row["id"])
        compared += len(rows)
        print(f"compared {compared}", file=sys.stderr, flush=True)
    print(
        json.dumps(
            {
                "compared": compared,
                "wrong": len(wrong),
                "ids": wrong[:IDS_SHOWN],
                "leastCosine": least,
                "madeBy": [f"{name} {importlib.metadata.version(name)}" for name in libraries],
            }
        )
    )


main(Path(sys.argv[1]), float(sys.argv[2]))
