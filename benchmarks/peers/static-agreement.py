"""
Does model2vec make the same vectors of a static folder? Largest difference of a number over texts, and the number of texts.
npx kimera embed --model FOLDER < TEXTS.jsonl > VECTORS.jsonl; python static-agreement.py FOLDER TEXTS.jsonl VECTORS.jsonl   (model2vec 0.9)
"""
import json
import sys

import numpy as np
from model2vec import StaticModel

folder, texts, vectors = sys.argv[1:4]
theirs = StaticModel.from_pretrained(folder).encode([json.loads(line)["text"] for line in open(texts, encoding="utf-8")])
ours = np.array([json.loads(line)["dense"] for line in open(vectors, encoding="utf-8")])
print(float(np.abs(theirs - ours).max()), len(ours))
