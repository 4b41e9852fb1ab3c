"""What the clients are asked to do, and how an answer is judged."""

import json
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

warnings.simplefilter("ignore")

with open(sys.argv[1], encoding="utf-8") as file:
    contract = SimpleNamespace(**json.load(file))

# float32 forward pass against the reference, which is sentence-transformers.
COSINE = 0.99999
NORM = 1e-4


def close(vectors, references):
    vectors = [np.asarray(vector, dtype=np.float64) for vector in vectors]
    assert len(vectors) == len(references), f"{len(vectors)} vectors for {len(references)} texts"
    for index, (vector, reference) in enumerate(zip(vectors, references)):
        reference = np.asarray(reference, dtype=np.float64)
        assert vector.shape == reference.shape, f"vector {index} has shape {vector.shape}, not {reference.shape}"
        length = np.linalg.norm(vector)
        assert abs(length - np.linalg.norm(reference)) < NORM, f"vector {index} has the length {length}"
        cosine = vector @ reference / length / np.linalg.norm(reference)
        assert cosine > COSINE, f"vector {index} has the cosine {cosine} to the reference"


def same_direction(vectors, references):
    """For vectors that are not normalised: only their direction is known."""
    vectors = [np.asarray(vector, dtype=np.float64) for vector in vectors]
    assert len(vectors) == len(references), f"{len(vectors)} vectors for {len(references)} texts"
    close([vector / np.linalg.norm(vector) for vector in vectors], references)


def refused(call, kind, words=(), status=None):
    """The call throws an error of the client's own class `kind` whose message has the words."""
    try:
        call()
    except kind as error:
        text = str(error)
        found = getattr(error, "status_code", None)
        if found is None:
            found = getattr(getattr(error, "response", None), "status_code", None)
        assert status is None or found == status, f"the status is {found}, not {status}: {text}"
        for word in words:
            assert str(word) in text, f"{word!r} is not in the message: {text}"
        return error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} instead of {kind}: {error}") from error
    raise AssertionError("answered instead of refused")


def retried(call):
    """The first answer is 429 with Retry-After: the client waits as long and gets the answer."""
    started = time.monotonic()
    result = call()
    waited = time.monotonic() - started
    assert waited > contract.retryAfter * 0.9, f"Retry-After of {contract.retryAfter} s, came again after {waited:.2f} s"
    return result


@dataclass
class Case:
    client: str
    name: str
    run: object


CASES = []


def case(client, name):
    def add(run):
        CASES.append(Case(client, name, run))
        return run

    return add


def main():
    for each in CASES:
        try:
            each.run()
            outcome = {"status": "passed"}
        except Exception as error:
            detail = f"{type(error).__name__}: {error}" if not isinstance(error, AssertionError) else str(error)
            outcome = {"status": "failed", "detail": detail[:500]}
            traceback.print_exc(file=sys.stderr)
        print(json.dumps({"client": each.client, "case": each.name, **outcome}), flush=True)
    print(json.dumps({"cases": len(CASES)}), flush=True)
