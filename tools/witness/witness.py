"""What sentence-transformers gives for a checkpoint, as JSON on standard output. Started by witness.mjs.

    python witness.py CHECKPOINT [--trust-remote-code] < texts.json
"""

import json
import logging
import os
import sys
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
warnings.simplefilter("ignore")

import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402


def main(checkpoint, *options):
    logging.disable(logging.WARNING)
    texts = json.load(sys.stdin)
    torch.manual_seed(1)
    model = SentenceTransformer(checkpoint, device="cpu", trust_remote_code="--trust-remote-code" in options).eval()

    def row(text, prompt):
        try:
            features = model.preprocess([text], prompt=prompt or None)
            vector = model.encode(text, prompt=prompt)
            return dict(ids=features["input_ids"].reshape(-1).tolist(), vector=[float(value) for value in vector])
        except Exception as error:
            return dict(error=f"{type(error).__name__}: {error}"[:300])

    default = model.prompts.get(model.default_prompt_name, "") if model.default_prompt_name else ""
    limit = model.max_seq_length
    json.dump(dict(
        limit=limit if isinstance(limit, int) and limit < 1e9 else None,
        prompts=model.prompts,
        default=default,
        without=[row(text, default) for text in texts],
        prompted={name: [row(text, prompt) for text in texts[:4]] for name, prompt in model.prompts.items()},
    ), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
