"""What sentence-transformers gives for a folder: ids, vectors, prompts, limit; or why it fails."""

import numpy
import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)

LONG = " ".join(f"The {noun} number {i} was read aloud in the Hall of Records." for i, noun in enumerate(
    ["report", "Letter", "ACCOUNT", "survey", "plan"] * 3)) + " In the end the café in München closed."

TEXTS = [
    "Hello world", "hello world", "HELLO WORLD! How are you?", "Ein schönes Café in München kostet 3,50 €.",
    "naïve façade résumé Ångström", "北京是中国的首都。", "emoji 🙂 and 👨‍👩‍👧", "a", "", " leading and  two spaces ",
    "tabs\tand\nnew lines", "Text with [MASK] and [SEP] and <mask> inside", "The [ENT] of <code> and [unused1]",
    "query: what is it", "ＦＵＬＬ ｗｉｄｔｈ ﬁ İstanbul ß", LONG,
]


def numbers(rows):
    return [None if row is None else [float(f"{value:.6g}") for value in row] for row in rows]


def load(folder, seed):
    torch.manual_seed(seed)
    return SentenceTransformer(str(folder), device="cpu").eval()


def attempt(run):
    try:
        return numpy.asarray(run(), dtype=numpy.float32)
    except Exception:  # A single text that the library cannot embed: null in the file.
        return None


def ids_of(features):
    """Token ids of the one text of a batch; null for modules that have none."""
    ids = features.get("input_ids")
    return None if ids is None else ids.reshape(-1).tolist()


def limit_of(model):
    """Tokens a text may have; null where the library has no limit."""
    limit = model.max_seq_length
    return limit if isinstance(limit, int) and limit < 1e9 else None


def record(folder):
    """The content of expected.json, without `about`."""
    library = "sentence-transformers 5.7.0, transformers 4.57.6, torch, CPU, one text a batch"
    try:
        model = load(folder, 1)
        vectors = [attempt(lambda text=text: model.encode(text)) for text in TEXTS]
        if all(vector is None for vector in vectors):
            model.encode(TEXTS[0])
        sample = next(i for i, vector in enumerate(vectors) if vector is not None)
        if not numpy.allclose(vectors[sample], load(folder, 2).encode(TEXTS[sample]), atol=1e-6):
            return dict(library=library, error="weights that are not found are random: two loads give two vectors")
        default = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
        ids = [ids_of(model.preprocess([text], prompt=default or None)) for text in TEXTS]
        some = TEXTS[:4]
        return dict(
            library=library, texts=TEXTS, max=limit_of(model), prompts=model.prompts,
            default=model.default_prompt_name, similarity=model.similarity_fn_name, ids=ids, vectors=numbers(vectors),
            query=numbers(attempt(lambda text=text: model.encode_query(text)) for text in some),
            document=numbers(attempt(lambda text=text: model.encode_document(text)) for text in some),
            named={name: numbers(attempt(lambda text=text: model.encode(text, prompt_name=name)) for text in some)
                   for name in model.prompts if name not in ("query", "document")},
        )
    except Exception as error:
        return dict(library=library, error=f"{type(error).__name__}: {str(error).splitlines()[0][:300]}".replace(
            str(folder), "FOLDER"))
