"""Forms whose odd part is which files lie where."""

import json
import shutil

import torch
from safetensors.torch import load_file, save_file

from bases import edit_json, modules, write_json

FORMS = []


def form(name, about, base="bert"):
    def add(change):
        FORMS.append((name, base, about, change))
        return change
    return add


def into(folder, sub, keep_root=False):
    """Moves (or copies) the transformers files into a folder that modules.json names."""
    (folder / sub).mkdir()
    for path in [p for p in folder.iterdir() if p.is_file() and p.name not in ("modules.json", "config_sentence_transformers.json")]:
        (shutil.copy if keep_root else shutil.move)(path, folder / sub / path.name)
    modules(folder, ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"), transformer=sub)


@form("folder-0-bert", "modules.json names 0_BERT; the root has no transformers file")
def _(folder):
    into(folder, "0_BERT")


@form("folder-nested", "modules.json names encoder/transformer, two folders deep")
def _(folder):
    (folder / "encoder").mkdir()
    into(folder, "encoder/transformer")


@form("stale-root-tokenizer", "0_Transformer is cased with limit 16; the root has another casing, limit and weights")
def _(folder):
    into(folder, "0_Transformer", keep_root=True)
    sub = folder / "0_Transformer"
    edit_json(sub / "tokenizer_config.json", do_lower_case=False)
    edit_json(sub / "sentence_bert_config.json", max_seq_length=16)
    tensors = load_file(folder / "model.safetensors")
    save_file({name: 0.5 * tensor for name, tensor in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


@form("sentence-roberta-config", "sentence_roberta_config.json with max_seq_length 12", base="roberta")
def _(folder):
    (folder / "sentence_bert_config.json").unlink()
    write_json(folder / "sentence_roberta_config.json", dict(max_seq_length=12, do_lower_case=False))


@form("sentence-distilbert-config", "sentence_distilbert_config.json with max_seq_length 14, do_lower_case true", base="distilbert")
def _(folder):
    (folder / "sentence_bert_config.json").unlink()
    edit_json(folder / "tokenizer_config.json", do_lower_case=False)
    write_json(folder / "sentence_distilbert_config.json", dict(max_seq_length=14, do_lower_case=True))


@form("sentence-configs-two", "sentence_bert_config.json and sentence_xlm-roberta_config.json disagree: bert's wins", base="xlm_roberta")
def _(folder):
    write_json(folder / "sentence_bert_config.json", dict(max_seq_length=18, do_lower_case=False))
    write_json(folder / "sentence_xlm-roberta_config.json", dict(max_seq_length=9, do_lower_case=True))


@form("sentence-config-empty-first", "sentence_bert_config.json is {}, sentence_roberta_config.json has the limit: it is read")
def _(folder):
    write_json(folder / "sentence_bert_config.json", {})
    write_json(folder / "sentence_roberta_config.json", dict(max_seq_length=9, do_lower_case=False))


@form("sentence-config-unknown-key", "sentence_bert_config.json with a key that the reference does not know")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", pool_before_norm=True)


@form("old-config-json-of-st", "config_sentence_transformers.json absent, modules.json without names")
def _(folder):
    (folder / "config_sentence_transformers.json").unlink()
    write_json(folder / "modules.json", [
        dict(name="0", path="", type="sentence_transformers.models.Transformer"),
        dict(name="1", path="1_Pooling", type="sentence_transformers.models.Pooling")])


@form("modules-in-other-order", "modules.json lists Normalize before Pooling by place, idx says otherwise: the place counts")
def _(folder):
    write_json(folder / "modules.json", [
        dict(idx=0, name="0", path="", type="sentence_transformers.models.Transformer"),
        dict(idx=2, name="2", path="2_Normalize", type="sentence_transformers.models.Normalize"),
        dict(idx=1, name="1", path="1_Pooling", type="sentence_transformers.models.Pooling")])


@form("modules-same-name", "two modules of one name: the later replaces the earlier")
def _(folder):
    write_json(folder / "modules.json", [
        dict(idx=0, name="0", path="", type="sentence_transformers.models.Transformer"),
        dict(idx=1, name="1", path="1_Pooling", type="sentence_transformers.models.Pooling"),
        dict(idx=2, name="1", path="2_Normalize", type="sentence_transformers.models.Normalize")])


@form("chat-template", "tokenizer_config with chat_template, usual modules: 5.x embeds text, not messages")
def _(folder):
    edit_json(folder / "tokenizer_config.json", chat_template="{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}")


@form("chat-template-no-modules", "chat_template and no modules.json: 5.x embeds messages through the template")
def _(folder):
    edit_json(folder / "tokenizer_config.json", chat_template="{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}")
    (folder / "modules.json").unlink()


@form("byte-order-mark", "modules.json with a byte order mark")
def _(folder):
    path = folder / "modules.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@form("json-with-nan", "config.json with NaN, as Python writes it, under a key that no class reads")
def _(folder):
    path = folder / "config.json"
    path.write_text(path.read_text().replace("{", '{\n "custom_score": NaN,', 1))
