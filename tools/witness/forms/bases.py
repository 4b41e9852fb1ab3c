"""Tiny checkpoints with random weights that the forms start from: one folder an architecture, made once.

Weights are wider than a trained model's (standard deviation 0.15), so that every misread key changes the vectors visibly.
"""

import io
import json
import random
from pathlib import Path

import sentencepiece
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (AutoConfig, AutoModel, BertTokenizerFast, RobertaTokenizerFast, XLMRobertaTokenizerFast)

POSITIONS = 64
SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)

WORDS = """the of and a to in is was for on that by with as it at from his her an are this which or be were have has one two
three report record search query document passage store vector table chair window river mountain train station bread coffee
music paper question answer data system model number value small large old new good time day year people house city water
Berlin Paris London Europe NASA""".split()

CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?-'\"()[]<>/_@#&%+=*"
    "éèüöäñçåßÉÜœ€北京是中国的首都東日本語こんに"
)


def words_of(seed, count):
    """Made-up sentences over WORDS, for the training of tokenizers."""
    chosen = random.Random(seed)
    for _ in range(count):
        yield " ".join(chosen.choice(WORDS) for _ in range(chosen.randint(4, 12))).capitalize() + "."
    for i in range(len(CHARACTERS)):
        yield CHARACTERS[i:] + " " + CHARACTERS[:i]


def word_pieces():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]", "[unused2]"]
    pieces = list(dict.fromkeys([*CHARACTERS, *("##" + c for c in CHARACTERS if c.isalnum()), *WORDS, "cafe", "café",
                                 "Café", "##s", "##ing", "##ed", "北京", "hello", "Hello", "world", "World"]))
    return special + pieces


def randomise(model, seed):
    """Fills all parameters from a generator of its own: the same numbers whichever machine makes them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            gain = "norm" in name.lower() and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if gain else 0.15 * noise)
    return model.eval()


def save_model(folder, model_type, seed=7, **settings):
    config = AutoConfig.for_model(model_type, **{**SIZES, "max_position_embeddings": POSITIONS, **settings})
    model = randomise(AutoModel.from_config(config), seed)
    model.save_pretrained(folder)
    return model


def bert(folder, model_type="bert", **settings):
    vocabulary = word_pieces()
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=POSITIONS).save_pretrained(folder)
    save_model(folder, model_type, vocab_size=len(vocabulary), **settings)


def train_sentencepiece(folder, size=300):
    # From memory to memory: the model file would hold the path of a file.
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=words_of(3, 400), model_writer=model, vocab_size=size, model_type="unigram",
        character_coverage=1.0, normalization_rule_name="nmt_nfkc", num_threads=1, minloglevel=2)
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())


def xlm_roberta(folder, **settings):
    train_sentencepiece(folder)
    tokenizer = XLMRobertaTokenizerFast(str(folder / "sentencepiece.bpe.model"), model_max_length=POSITIONS)
    tokenizer.save_pretrained(folder)
    save_model(folder, "xlm-roberta", vocab_size=len(tokenizer), max_position_embeddings=POSITIONS + 2, type_vocab_size=1,
               pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5, **settings)


def roberta(folder, **settings):
    trained = ByteLevelBPETokenizer(add_prefix_space=False)
    trained.train_from_iterator(words_of(5, 400), vocab_size=400, min_frequency=2, show_progress=False,
                                special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    trained.save_model(str(folder))
    tokenizer = RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=POSITIONS)
    tokenizer.save_pretrained(folder)
    save_model(folder, "roberta", vocab_size=len(tokenizer), max_position_embeddings=POSITIONS + 2, type_vocab_size=1,
               pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5, **settings)


def distilbert(folder):
    bert(folder, "distilbert", dim=32, hidden_dim=48, n_layers=2, n_heads=4)
    edit_json(folder / "tokenizer_config.json", tokenizer_class="DistilBertTokenizer")


def electra(folder):
    bert(folder, "electra", embedding_size=16)
    edit_json(folder / "tokenizer_config.json", tokenizer_class="ElectraTokenizer")


def edit_json(path, remove=(), **changes):
    """Changes members of a JSON object in a file; the file need not be there."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for key in remove:
        content.pop(key, None)
    write_json(path, {**content, **changes})


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


MODULE = "sentence_transformers.models."


def modules(folder, *rest, transformer=""):
    """modules.json with a Transformer and the modules named: (path, class) pairs, e.g. ("1_Pooling", "Pooling")."""
    entries = [(transformer, "Transformer"), *rest]
    write_json(folder / "modules.json", [
        dict(idx=i, name=str(i), path=path, type=kind if "." in kind else MODULE + kind)
        for i, (path, kind) in enumerate(entries)])


def pooling(folder, path="1_Pooling", dimension=32, **flags):
    content = dict(word_embedding_dimension=dimension, pooling_mode_cls_token=False, pooling_mode_mean_tokens=False,
                   pooling_mode_max_tokens=False, pooling_mode_mean_sqrt_len_tokens=False)
    write_json(folder / path / "config.json", {**content, **(flags or dict(pooling_mode_mean_tokens=True))})


def sentence_transformer(folder):
    """The usual files of sentence-transformers around a transformers folder: mean pooling, normalised, 48 tokens."""
    pooling(folder)
    modules(folder, ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    write_json(folder / "sentence_bert_config.json", dict(max_seq_length=48, do_lower_case=False))
    write_json(folder / "config_sentence_transformers.json",
               {"__version__": dict(sentence_transformers="2.2.2", transformers="4.34.0", pytorch="2.1.0")})


BASES = dict(bert=bert, xlm_roberta=xlm_roberta, roberta=roberta, distilbert=distilbert, electra=electra)


def make_base(name, folder):
    folder.mkdir(parents=True)
    BASES[name](folder)
    sentence_transformer(folder)
    return Path(folder)
