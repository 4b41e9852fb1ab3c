"""Forms whose odd part is the chain of modules, their configuration, or the prompts."""

import torch
from safetensors.torch import save_file

from bases import edit_json, modules, pooling, write_json

FORMS = []


def form(name, about, base="bert"):
    def add(change):
        FORMS.append((name, base, about, change))
        return change
    return add


def dense(folder, path, inputs=32, outputs=24, seed=11, bias=True, **changes):
    generator = torch.Generator().manual_seed(seed)
    write_json(folder / path / "config.json", dict(in_features=inputs, out_features=outputs, bias=bias,
                                                   activation_function="torch.nn.modules.activation.Tanh") | changes)
    tensors = {"linear.weight": 0.2 * torch.randn(outputs, inputs, generator=generator)}
    if bias:
        tensors["linear.bias"] = 0.2 * torch.randn(outputs, generator=generator)
    save_file(tensors, folder / path / "model.safetensors", metadata={"format": "pt"})


def st_config(folder, **changes):
    edit_json(folder / "config_sentence_transformers.json", **changes)


NEW = "sentence_transformers.sentence_transformer.modules."


@form("module-types-of-5", "modules.json with the class paths of sentence-transformers 5.x, Pooling with pooling_mode cls")
def _(folder):
    modules(folder, ("1_Pooling", NEW + "pooling.Pooling"), ("2_Normalize", NEW + "normalize.Normalize"))
    write_json(folder / "1_Pooling" / "config.json", dict(embedding_dimension=32, pooling_mode="cls", include_prompt=True))


@form("pooling-list-in-odd-order", "pooling_mode [max, cls, mean] (form of 5.x): the order of the list counts")
def _(folder):
    write_json(folder / "1_Pooling" / "config.json", dict(embedding_dimension=32, pooling_mode=["max", "cls", "mean"]))


@form("pooling-flags-concatenated", "flags mean, max and cls true, written in that order: sentence-transformers' own order counts")
def _(folder):
    write_json(folder / "1_Pooling" / "config.json", dict(
        word_embedding_dimension=32, pooling_mode_mean_tokens=True, pooling_mode_max_tokens=True, pooling_mode_cls_token=True))


@form("pooling-mode-and-flags", "pooling_mode lasttoken beside the flag pooling_mode_mean_tokens true")
def _(folder):
    pooling(folder, pooling_mode_mean_tokens=True, pooling_mode="lasttoken")


@form("pooling-weightedmean-no-norm", "weighted mean and mean over the root of the length, not normalised")
def _(folder):
    modules(folder, ("1_Pooling", "Pooling"))
    pooling(folder, pooling_mode_weightedmean_tokens=True, pooling_mode_mean_sqrt_len_tokens=True)


@form("prompt-excluded-mean", "include_prompt false with a query prompt, mean pooling")
def _(folder):
    pooling(folder, pooling_mode_mean_tokens=True, include_prompt=False)
    st_config(folder, prompts=dict(query="search the store: ", document=""))


@form("prompt-excluded-cls", "include_prompt false with prompts, CLS pooling: the first token after the prompt")
def _(folder):
    pooling(folder, pooling_mode_cls_token=True, include_prompt=False)
    st_config(folder, prompts=dict(query="search the store: ", document="report: "))


@form("dense-identity-no-bias", "Dense without bias and with Identity, then Normalize")
def _(folder):
    dense(folder, "2_Dense", bias=False, activation_function="torch.nn.modules.linear.Identity")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"))


@form("dense-activation-short-path", "Dense with activation torch.nn.Tanh (short path), not normalised")
def _(folder):
    dense(folder, "2_Dense", activation_function="torch.nn.Tanh")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"))


@form("dense-activation-absent", "Dense without activation_function: Tanh is the class's default")
def _(folder):
    dense(folder, "2_Dense")
    edit_json(folder / "2_Dense" / "config.json", remove=["activation_function"])
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"))


@form("dense-activation-relu-gelu", "Dense ReLU and Dense GELU")
def _(folder):
    dense(folder, "2_Dense", activation_function="torch.nn.modules.activation.ReLU")
    dense(folder, "3_Dense", inputs=24, outputs=20, seed=12, activation_function="torch.nn.modules.activation.GELU")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Dense", "Dense"), ("4_Normalize", "Normalize"))


@form("dense-activation-not-trusted", "Dense with an activation outside torch: sentence-transformers takes Tanh with a warning")
def _(folder):
    dense(folder, "2_Dense", activation_function="transformers.activations.NewGELUActivation")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"))


@form("dense-normalize-dense-normalize", "two Dense with Normalize between them and at the end")
def _(folder):
    dense(folder, "2_Dense")
    dense(folder, "4_Dense", inputs=24, outputs=16, seed=13, activation_function="torch.nn.modules.linear.Identity")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"), ("4_Dense", "Dense"),
            ("5_Normalize", "Normalize"))


@form("normalize-in-the-middle", "Normalize before Dense, none after: vectors are not of length 1")
def _(folder):
    dense(folder, "3_Dense")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"), ("3_Dense", "Dense"))


@form("dense-on-tokens", "Dense with module_input_name token_embeddings before the pooling")
def _(folder):
    dense(folder, "1_Dense", module_input_name="token_embeddings", module_output_name="token_embeddings")
    pooling(folder, "2_Pooling", dimension=24)
    modules(folder, ("1_Dense", "Dense"), ("2_Pooling", "Pooling"), ("3_Normalize", "Normalize"))


@form("dense-in-bin-file", "Dense weights in pytorch_model.bin")
def _(folder):
    dense(folder, "2_Dense")
    from safetensors.torch import load_file
    torch.save(load_file(folder / "2_Dense" / "model.safetensors"), folder / "2_Dense" / "pytorch_model.bin")
    (folder / "2_Dense" / "model.safetensors").unlink()
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"))


@form("layer-norm-module", "LayerNorm module after the pooling")
def _(folder):
    generator = torch.Generator().manual_seed(14)
    write_json(folder / "2_LayerNorm" / "config.json", dict(dimension=32))
    save_file({"norm.weight": 1 + 0.3 * torch.randn(32, generator=generator),
               "norm.bias": 0.3 * torch.randn(32, generator=generator)},
              folder / "2_LayerNorm" / "model.safetensors", metadata={"format": "pt"})
    modules(folder, ("1_Pooling", "Pooling"), ("2_LayerNorm", "LayerNorm"))


@form("dropout-between", "Dropout between pooling and Dense")
def _(folder):
    write_json(folder / "2_Dropout" / "config.json", dict(dropout=0.4))
    dense(folder, "3_Dense")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dropout", "Dropout"), ("3_Dense", "Dense"), ("4_Normalize", "Normalize"))


@form("truncate-dim-normalize", "truncate_dim 12 after Normalize: cut vectors are not of length 1 again")
def _(folder):
    st_config(folder, truncate_dim=12)


@form("truncate-dim-no-normalize", "truncate_dim 12 without Normalize")
def _(folder):
    st_config(folder, truncate_dim=12)
    modules(folder, ("1_Pooling", "Pooling"))


@form("truncate-dim-after-dense", "truncate_dim 8 after Dense and Normalize")
def _(folder):
    dense(folder, "2_Dense")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"))
    st_config(folder, truncate_dim=8)


@form("truncate-dim-beyond", "truncate_dim 999: beyond the dimension, nothing is cut")
def _(folder):
    st_config(folder, truncate_dim=999)


@form("default-prompt-named-sts", "prompts of other names, default_prompt_name sts")
def _(folder):
    st_config(folder, prompts=dict(sts="compare: ", retrieval="search the store: "), default_prompt_name="sts")


@form("default-prompt-passage", "prompts query and passage, default passage: encode_document takes passage")
def _(folder):
    st_config(folder, prompts=dict(query="query: ", passage="passage: "), default_prompt_name="passage")


@form("prompt-corpus", "prompts query and corpus: encode_document takes corpus")
def _(folder):
    st_config(folder, prompts=dict(query="query: ", corpus="document: "))


@form("prompts-with-dots", "prompts retrieval.query and retrieval.passage, default retrieval.passage; no query, no document")
def _(folder):
    st_config(folder, prompts={"retrieval.query": "search: ", "retrieval.passage": "record: "},
              default_prompt_name="retrieval.passage")


@form("prompts-null-and-document", "prompt query null, document and passage differ: document wins")
def _(folder):
    st_config(folder, prompts=dict(query=None, document="document: ", passage="passage: "), default_prompt_name=None)


@form("default-prompt-unknown", "default_prompt_name names no prompt: the reference refuses")
def _(folder):
    st_config(folder, prompts=dict(query="query: "), default_prompt_name="task")


@form("prompts-nested", "a prompt that is an object")
def _(folder):
    st_config(folder, prompts=dict(query=dict(text="query: "), document=""))


@form("prompt-whitespace", "prompts that begin and end with spaces and line feeds")
def _(folder):
    st_config(folder, prompts=dict(query=" Instruct: search\nQuery: ", document="\tpassage:"))


@form("similarity-dot", "similarity_fn_name dot, without Normalize")
def _(folder):
    st_config(folder, similarity_fn_name="dot")
    modules(folder, ("1_Pooling", "Pooling"))


@form("no-pooling-module", "modules.json with the Transformer alone")
def _(folder):
    modules(folder)


@form("plain-transformers-folder", "no file of sentence-transformers: mean pooling, not normalised")
def _(folder):
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink()


@form("plain-folder-with-st-config", "no modules.json, but sentence_bert_config and prompts: the reference reads neither")
def _(folder):
    (folder / "modules.json").unlink()
    edit_json(folder / "sentence_bert_config.json", max_seq_length=10)
    st_config(folder, prompts=dict(query="query: "), default_prompt_name="query")


@form("pooling-config-absent", "modules.json names 1_Pooling, which has no config.json")
def _(folder):
    (folder / "1_Pooling" / "config.json").unlink()


@form("pooling-dimension-wrong", "1_Pooling says 64 dimensions, the model has 32")
def _(folder):
    pooling(folder, dimension=64)


@form("pooling-unknown-mode", "pooling_mode attention")
def _(folder):
    write_json(folder / "1_Pooling" / "config.json", dict(embedding_dimension=32, pooling_mode="attention"))


@form("module-of-the-folder", "a module type of the folder's own code")
def _(folder):
    (folder / "own_module.py").write_text(
        "from sentence_transformers.models import Normalize\n\n\nclass Half(Normalize):\n    def forward(self, features):\n"
        "        features['sentence_embedding'] = features['sentence_embedding'][:, :16]\n        return features\n")
    modules(folder, ("1_Pooling", "Pooling"), ("2_Half", "own_module.Half"))


@form("word-weights", "WordWeights between Transformer and Pooling")
def _(folder):
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    write_json(folder / "1_WordWeights" / "config.json",
               dict(vocab=words, word_weights={word: 1 + i % 3 for i, word in enumerate(words)}, unknown_word_weight=1))
    pooling(folder, "2_Pooling")
    modules(folder, ("1_WordWeights", "WordWeights"), ("2_Pooling", "Pooling"))


@form("lstm-module", "LSTM between Transformer and Pooling")
def _(folder):
    from sentence_transformers.models import LSTM
    torch.manual_seed(15)
    (folder / "1_LSTM").mkdir()
    LSTM(word_embedding_dimension=32, hidden_dim=8).save(str(folder / "1_LSTM"))
    pooling(folder, "2_Pooling", dimension=16)
    modules(folder, ("1_LSTM", "LSTM"), ("2_Pooling", "Pooling"))


@form("bag-of-words", "BoW as the first module")
def _(folder):
    from sentence_transformers.models import BoW
    (folder / "0_BoW").mkdir()
    BoW(vocab=["hello", "world", "report"]).save(str(folder / "0_BoW"))
    write_json(folder / "modules.json", [dict(idx=0, name="0", path="0_BoW", type="sentence_transformers.models.BoW")])


@form("router", "Router after the pooling: one Dense for queries, another for documents")
def _(folder):
    for path, seed in (("query_0_Dense", 17), ("document_0_Dense", 18)):
        dense(folder, "2_Router/" + path, seed=seed)
    write_json(folder / "2_Router" / "router_config.json", dict(
        types={path: "sentence_transformers.models.Dense" for path in ("query_0_Dense", "document_0_Dense")},
        structure=dict(query=["query_0_Dense"], document=["document_0_Dense"]),
        parameters=dict(default_route="document", allow_empty_key=True)))
    modules(folder, ("1_Pooling", "Pooling"), ("2_Router", "Router"))


@form("static-embedding", "StaticEmbedding and Normalize")
def _(folder):
    generator = torch.Generator().manual_seed(16)
    for name in ("model.safetensors", "config.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
                 "sentence_bert_config.json"):
        (folder / name).unlink()
    import json
    size = len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])
    (folder / "0_StaticEmbedding").mkdir()
    (folder / "tokenizer.json").rename(folder / "0_StaticEmbedding" / "tokenizer.json")
    save_file({"embedding.weight": torch.randn(size, 16, generator=generator)},
              folder / "0_StaticEmbedding" / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "modules.json", [
        dict(idx=0, name="0", path="0_StaticEmbedding", type="sentence_transformers.models.StaticEmbedding"),
        dict(idx=1, name="1", path="1_Normalize", type="sentence_transformers.models.Normalize")])


@form("splade", "a SPLADE model: fill-mask Transformer and SpladePooling")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", transformer_task="fill-mask", module_output_name="token_embeddings")
    edit_json(folder / "config.json", architectures=["BertForMaskedLM"])
    write_json(folder / "1_SpladePooling" / "config.json", dict(pooling_strategy="max", activation_function="relu",
                                                               word_embedding_dimension=None))
    modules(folder, ("1_SpladePooling", "sentence_transformers.sparse_encoder.models.SpladePooling"))
    st_config(folder, model_type="SparseEncoder", similarity_fn_name="dot")


@form("splade-plain-mlm", "config_sentence_transformers model_type SparseEncoder beside usual modules")
def _(folder):
    st_config(folder, model_type="SparseEncoder")


@form("cross-encoder-modules", "config_sentence_transformers model_type CrossEncoder with modules.json")
def _(folder):
    st_config(folder, model_type="CrossEncoder")
    edit_json(folder / "config.json", architectures=["BertForSequenceClassification"], id2label={"0": "LABEL_0"})


@form("transformer-task-classification", "sentence_bert_config transformer_task sequence-classification")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", transformer_task="sequence-classification")


@form("pooled-output-as-tokens", "modality_config takes pooler_output as token embeddings")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", module_output_name="sentence_embedding", modality_config=dict(
        text=dict(method="forward", method_output_name="pooler_output")))
    modules(folder, ("2_Normalize", "Normalize"))


@form("hidden-state-of-layer-1", "modality_config takes the hidden states of layer 1")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", module_output_name="token_embeddings", modality_config=dict(
        text=dict(method="forward", method_output_name=["hidden_states", 1])))


@form("modality-config-usual", "modality_config that says what is usual (as 5.x saves it)")
def _(folder):
    write_json(folder / "sentence_bert_config.json", dict(
        transformer_task="feature-extraction", module_output_name="token_embeddings", unpad_inputs=False, modality_config=dict(
            text=dict(method="forward", method_output_name="last_hidden_state"))))


@form("weighted-layer-pooling", "config output_hidden_states and WeightedLayerPooling")
def _(folder):
    edit_json(folder / "config.json", output_hidden_states=True)
    from sentence_transformers.models import WeightedLayerPooling
    (folder / "1_WeightedLayerPooling").mkdir()
    WeightedLayerPooling(word_embedding_dimension=32, num_hidden_layers=2, layer_start=1).save(
        str(folder / "1_WeightedLayerPooling"))
    pooling(folder, "2_Pooling")
    modules(folder, ("1_WeightedLayerPooling", "WeightedLayerPooling"), ("2_Pooling", "Pooling"))
