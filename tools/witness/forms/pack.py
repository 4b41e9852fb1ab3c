"""Forms as folders -> forms that share their large equal files.

    python3 tools/witness/forms/pack.py FORMS PACKED

A file of more than 3 KB that lies in several forms goes to PACKED/shared once, under the beginning of its SHA-256; the
form has shared.json, which says which of its files it is. Everything else lies where it lay.
"""

import hashlib
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

LEAST_BYTES = 3000


def main(forms, packed):
    forms, packed = Path(forms), Path(packed)
    names = {path: f"{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}-{path.name}"
             for path in sorted(forms.glob("*/**/*")) if path.is_file()}
    counts = Counter(names.values())
    for folder in [packed / "shared", *(packed / form.name for form in forms.iterdir())]:
        shutil.rmtree(folder, ignore_errors=True)
    (packed / "shared").mkdir(parents=True)
    shared = {}
    for path, name in names.items():
        inside = path.relative_to(forms)
        if counts[name] > 1 and path.stat().st_size > LEAST_BYTES:
            shared.setdefault(inside.parts[0], {})[inside.relative_to(inside.parts[0]).as_posix()] = name
            target = packed / "shared" / name
        else:
            target = packed / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for form, files in shared.items():
        (packed / form / "shared.json").write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
