"""Makes checkpoints in odd forms, as people have them, and records what sentence-transformers gives for each.

    python3 tools/witness/forms/forms.py OUT [NAME ...]
    python3 tools/witness/forms/pack.py OUT fixtures/checkpoint-forms

Needs the packages of tools/witness/forms/requirements.txt. Every form is a folder with expected.json; equal versions
give equal files. Weights are random: the forms test how files are read, not what a model knows.
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parent))

import transformers  # noqa: E402
from bases import make_base, write_json  # noqa: E402
from record import record  # noqa: E402
import adapter_forms  # noqa: E402
import file_forms  # noqa: E402
import module_forms  # noqa: E402
import tokenizer_forms  # noqa: E402
import weight_forms  # noqa: E402

FORMS = [form for kind in (tokenizer_forms, module_forms, weight_forms, adapter_forms, file_forms) for form in kind.FORMS]


def main(out, *names):
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    bases = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, base, about, change in FORMS:
            if names and name not in names:
                continue
            if base not in bases:
                bases[base] = make_base(base, Path(scratch) / base)
            folder = Path(out) / name
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(bases[base], folder)
            change(folder)
            expected = record_beside_base(folder, Path(scratch))
            shutil.rmtree(folder / "__pycache__", ignore_errors=True)
            (folder / "expected.json").write_text(
                json.dumps({**expected, "about": about}, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")
            print(name, expected.get("error", f"max {expected.get('max')}, dimension {dimension(expected)}"), flush=True)


def record_beside_base(folder, scratch):
    """An adapter names its base as `base-model`: transformers looks for it in the working folder, where it is the form."""
    base = scratch / "base-model"
    base.unlink(missing_ok=True)
    if (folder / "config.json").exists():
        base.symlink_to(folder.resolve())
    before = os.getcwd()
    folder = folder.resolve()
    os.chdir(scratch)
    try:
        return record(folder)
    finally:
        os.chdir(before)


def dimension(expected):
    return next((len(vector) for vector in expected.get("vectors", []) if vector is not None), None)


if __name__ == "__main__":
    main(*sys.argv[1:])
