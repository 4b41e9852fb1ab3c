"""
model2vec's own distillation of a teacher, measured as benchmarks/static-quality.ts measures ours; the JSON it prints is that script's --peer FILE.
python static-model2vec.py TEACHER_DIR STSB_DIR XQUAD_DIR OUT_DIR   (model2vec[distill] 0.9, transformers 4.57, scipy)
The padding that the distilled tokenizer inherits from the teacher is switched off: with it the peer is worse.
"""
import csv
import json
import sys
import time
from pathlib import Path

import model2vec
import numpy as np
from model2vec import StaticModel
from model2vec.distill import distill
from scipy.stats import spearmanr

teacher, stsb, xquad, out = map(Path, sys.argv[1:5])
if not (out / "model.safetensors").exists():
    distill(str(teacher)).save_pretrained(out)
    tokenizer = json.loads((out / "tokenizer.json").read_text())
    tokenizer["padding"] = tokenizer["truncation"] = None
    (out / "tokenizer.json").write_text(json.dumps(tokenizer))
model = StaticModel.from_pretrained(out)


def embed(texts):
    vectors = model.encode(list(texts)).astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def sts(language):
    rows = list(csv.reader((stsb / f"stsb-{language}-test.csv").open(encoding="utf-8")))
    first, second = embed(row[0] for row in rows), embed(row[1] for row in rows)
    return float(spearmanr((first * second).sum(1), [float(row[2]) for row in rows]).statistic)


def lines(name):
    return [json.loads(line) for line in (xquad / name).open(encoding="utf-8")]


def ndcg(question_language, sentence_language):
    sentences = [s for s in lines("sentences.jsonl") if s["language"] == sentence_language]
    answers = {q["key"]: q["answer"] for q in lines("questions.jsonl") if q["language"] == sentence_language}
    questions = [q for q in lines("questions.jsonl") if q["language"] == question_language]
    place = {s["id"]: i for i, s in enumerate(sentences)}
    scores = embed(q["text"] for q in questions) @ embed(s["text"] for s in sentences).T
    total = 0.0
    for row, question in zip(scores, questions):
        rank = int((row > row[place[answers[question["key"]]]]).sum())
        total += 1 / np.log2(rank + 2) if rank < 10 else 0.0
    return total / len(questions)


texts = [s["text"] for s in lines("sentences.jsonl") if s["language"] == "en"]
embed(texts)
started = time.perf_counter()
for _ in range(5):
    embed(texts)
seconds = (time.perf_counter() - started) / 5
print(json.dumps({
    "library": f"model2vec {model2vec.__version__}",
    "stsb": {language: sts(language) for language in ("en", "de", "es", "fr")},
    "xquad": {f"{q} → {s}": ndcg(q, s) for q, s in (("en", "en"), ("de", "de"), ("es", "es"), ("de", "en"))},
    "textsPerSecond": len(texts) / seconds,
    "bytes": sum(f.stat().st_size for f in out.iterdir() if f.is_file()),
}, ensure_ascii=False, indent=1))
