"""Forms with a PEFT adapter, made by peft itself."""

import json
import shutil

from bases import edit_json, randomise

FORMS = []


def form(name, about, base="bert"):
    def add(change):
        FORMS.append((name, base, about, change))
        return change
    return add


def adapt(folder, adapter, **changes):
    """Saves a random adapter beside the base model, and names the folder's base as a user of a hub does."""
    from peft import get_peft_model
    from transformers import AutoModel
    model = get_peft_model(AutoModel.from_pretrained(folder), adapter)
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    holder = type("Holder", (), {"named_parameters": lambda self: trained, "eval": lambda self: None})()
    randomise(holder, 31)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    edit_json(folder / "adapter_config.json", base_model_name_or_path="base-model", **changes)


def lora(**settings):
    from peft import LoraConfig
    return LoraConfig(**{"r": 4, "lora_alpha": 16, "target_modules": ["query", "value"],
                         "task_type": "FEATURE_EXTRACTION", **settings})


@form("lora-rslora", "LoRA beside its base with use_rslora: the factor is alpha over the root of r")
def _(folder):
    adapt(folder, lora(use_rslora=True))


@form("lora-bias-all", "LoRA with bias all: biases of the whole model are the adapter's")
def _(folder):
    adapt(folder, lora(bias="all"))


@form("lora-bias-own", "LoRA with bias lora_only")
def _(folder):
    adapt(folder, lora(bias="lora_only"))


@form("lora-all-linear", "LoRA over every matrix (regular expression), r 2")
def _(folder):
    adapt(folder, lora(r=2, target_modules=r".*layer\.\d+\..*dense|.*\.(query|key|value)"))


@form("lora-patterns", "LoRA with rank_pattern and alpha_pattern for one matrix")
def _(folder):
    adapt(folder, lora(rank_pattern={"layer.1.attention.self.query": 2}, alpha_pattern={"layer.1.attention.self.query": 3}))


@form("lora-embeddings", "LoRA over the word embeddings")
def _(folder):
    adapt(folder, lora(target_modules=["word_embeddings", "key"]))


@form("lora-modules-to-save", "LoRA with modules_to_save: a whole module in the adapter file")
def _(folder):
    adapt(folder, lora(modules_to_save=["pooler", "word_embeddings"]))


@form("lora-dora", "LoRA with use_dora")
def _(folder):
    adapt(folder, lora(use_dora=True))


@form("lora-one-layer", "LoRA with layers_to_transform [1]")
def _(folder):
    adapt(folder, lora(layers_to_transform=[1], layers_pattern="layer"))


@form("ia3-adapter", "IA3 adapter")
def _(folder):
    from peft import IA3Config
    adapt(folder, IA3Config(target_modules=["query", "value"], feedforward_modules=[], task_type="FEATURE_EXTRACTION"))


@form("adapter-without-base", "an adapter alone: its base is a name on a hub")
def _(folder):
    adapt(folder, lora(), )
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()


@form("adapter-in-transformer-folder", "0_Transformer holds base and adapter, the root holds neither")
def _(folder):
    adapt(folder, lora())
    sub = folder / "0_Transformer"
    sub.mkdir()
    for path in [p for p in folder.iterdir() if p.is_file() and p.name not in ("modules.json", "config_sentence_transformers.json")]:
        shutil.move(path, sub / path.name)
    entries = json.loads((folder / "modules.json").read_text())
    entries[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(entries))


@form("adapter-weights-only", "adapter_model.safetensors without adapter_config.json: the reference does not read it")
def _(folder):
    adapt(folder, lora())
    (folder / "adapter_config.json").unlink()
