"""Forms whose odd part is config.json or the weights."""

import json

import torch
from safetensors.torch import load_file, save_file

from bases import BASES, edit_json, randomise, write_json

FORMS = []


def form(name, about, base="bert"):
    def add(change):
        FORMS.append((name, base, about, change))
        return change
    return add


def config(folder, **changes):
    edit_json(folder / "config.json", **changes)


def st_args(folder, **changes):
    edit_json(folder / "sentence_bert_config.json", **changes)


def weights(folder):
    return load_file(folder / "model.safetensors")


def save(folder, tensors, name="model.safetensors"):
    save_file(tensors, folder / name, metadata={"format": "pt"})


@form("layer-norm-eps-odd", "layer_norm_eps 0.05")
def _(folder):
    config(folder, layer_norm_eps=0.05)


@form("heads-8-of-4", "num_attention_heads 8 over weights of the same shape")
def _(folder):
    config(folder, num_attention_heads=8)


@form("heads-2-distilbert", "DistilBERT with n_heads 2", base="distilbert")
def _(folder):
    config(folder, n_heads=2)


@form("act-relu", "hidden_act relu")
def _(folder):
    config(folder, hidden_act="relu")


@form("act-gelu-new-xlmr", "XLM-RoBERTa with hidden_act gelu_pytorch_tanh", base="xlm_roberta")
def _(folder):
    config(folder, hidden_act="gelu_pytorch_tanh")


@form("act-silu", "hidden_act silu")
def _(folder):
    config(folder, hidden_act="silu")


@form("act-quick-gelu", "hidden_act quick_gelu")
def _(folder):
    config(folder, hidden_act="quick_gelu")


@form("act-unknown", "hidden_act snake, which nobody knows")
def _(folder):
    config(folder, hidden_act="snake")


@form("distilbert-activation", "DistilBERT activation relu, sinusoidal_pos_embds true", base="distilbert")
def _(folder):
    config(folder, activation="relu", sinusoidal_pos_embds=True)


@form("electra-factorised", "ELECTRA with embedding_size 16 and embeddings_project", base="electra")
def _(folder):
    pass


@form("config-bare", "config.json without pad_token_id, layer_norm_eps, hidden_act, type_vocab_size")
def _(folder):
    config(folder, remove=["pad_token_id", "layer_norm_eps", "hidden_act", "type_vocab_size", "position_embedding_type",
                           "architectures", "transformers_version", "dtype"])


@form("config-bare-xlmr", "XLM-RoBERTa without layer_norm_eps, pad_token_id: the class's defaults (1e-12, 1)", base="xlm_roberta")
def _(folder):
    config(folder, remove=["pad_token_id", "layer_norm_eps", "bos_token_id", "eos_token_id", "hidden_act"])


@form("config-bare-distilbert", "DistilBERT without n_heads and activation: the class's defaults (12 heads fail on 32)", base="distilbert")
def _(folder):
    config(folder, remove=["n_heads", "activation"])


@form("no-model-type", "config.json without model_type")
def _(folder):
    config(folder, remove=["model_type"])


@form("model-type-other", "model_type roberta over BERT's weights and tokenizer")
def _(folder):
    config(folder, model_type="roberta")


@form("relative-positions", "position_embedding_type relative_key with its distance embeddings")
def _(folder):
    config(folder, position_embedding_type="relative_key")
    generator = torch.Generator().manual_seed(21)
    tensors = weights(folder)
    for layer in range(2):
        tensors[f"encoder.layer.{layer}.attention.self.distance_embedding.weight"] = 0.15 * torch.randn(
            127, 8, generator=generator)
    save(folder, tensors)


@form("is-decoder", "is_decoder true: causal attention")
def _(folder):
    config(folder, is_decoder=True)


@form("cross-attention", "is_decoder and add_cross_attention true")
def _(folder):
    config(folder, is_decoder=True, add_cross_attention=True)


@form("config-dtype-float16", "config.json dtype and torch_dtype float16, weights in float16")
def _(folder):
    config(folder, remove=["dtype"], torch_dtype="float16")
    save(folder, {name: tensor.half() for name, tensor in weights(folder).items()})


@form("model-args-float16", "sentence_bert_config model_args torch_dtype float16")
def _(folder):
    st_args(folder, model_args=dict(torch_dtype="float16"))


@form("model-args-bfloat16", "sentence_bert_config model_args torch_dtype bfloat16")
def _(folder):
    st_args(folder, model_args=dict(torch_dtype="bfloat16"))


@form("model-args-attention", "sentence_bert_config model_args attn_implementation eager, add_pooling_layer false")
def _(folder):
    st_args(folder, model_args=dict(attn_implementation="eager", add_pooling_layer=False))


@form("model-args-unknown", "sentence_bert_config model_args with a key that the model does not know")
def _(folder):
    st_args(folder, model_args=dict(use_memory_efficient=True))


@form("config-args-heads", "sentence_bert_config config_args num_attention_heads 8: wins over config.json")
def _(folder):
    st_args(folder, config_args=dict(num_attention_heads=8))


@form("config-args-layers", "sentence_bert_config config_args num_hidden_layers 1: the second layer is not used")
def _(folder):
    st_args(folder, config_args=dict(num_hidden_layers=1))


@form("fewer-layers-than-weights", "config.json num_hidden_layers 1, weights of two layers")
def _(folder):
    config(folder, num_hidden_layers=1)


@form("pruned-heads", "config.json pruned_heads {0: [1]}")
def _(folder):
    config(folder, pruned_heads={"0": [1]})


@form("chunked-feed-forward", "chunk_size_feed_forward 1: the same numbers")
def _(folder):
    config(folder, chunk_size_feed_forward=1)


@form("type-ids-of-one", "token types: two rows, the tokenizer's template gives type 1 to the text")
def _(folder):
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["post_processor"]["single"][1]["Sequence"]["type_id"] = 1
    write_json(path, content)
    edit_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")


@form("sharded-weights", "weights in two shards with an index")
def _(folder):
    tensors = weights(folder)
    names = sorted(tensors)
    halves = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, some in halves.items():
        save(folder, {name: tensors[name] for name in some}, file)
    (folder / "model.safetensors").unlink()
    write_json(folder / "model.safetensors.index.json", dict(
        metadata=dict(total_size=sum(t.numel() * 4 for t in tensors.values())),
        weight_map={name: file for file, some in halves.items() for name in some}))


def only_bin(folder, content):
    torch.save(content, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@form("bin-with-module-prefix", "pytorch_model.bin with names of DataParallel: module.encoder…")
def _(folder):
    only_bin(folder, {"module." + name: tensor for name, tensor in weights(folder).items()})


@form("bin-compiled-prefix", "pytorch_model.bin with names of torch.compile: _orig_mod.…")
def _(folder):
    only_bin(folder, {"_orig_mod." + name: tensor for name, tensor in weights(folder).items()})


@form("bin-of-whole-st-model", "pytorch_model.bin of the whole sentence-transformers model: 0.auto_model.…")
def _(folder):
    only_bin(folder, {"0.auto_model." + name: tensor for name, tensor in weights(folder).items()})


@form("bin-wrapped", "pytorch_model.bin is {state_dict: …, epoch: 3}")
def _(folder):
    only_bin(folder, {"state_dict": weights(folder), "epoch": 3})


@form("bin-legacy-norm-names", "pytorch_model.bin with gamma and beta, bert. before names, and a position_ids buffer")
def _(folder):
    def old(name):
        return "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    tensors = {old(name): tensor for name, tensor in weights(folder).items()}
    only_bin(folder, {**tensors, "bert.embeddings.position_ids": torch.arange(64).unsqueeze(0)})


@form("two-weight-files-differ", "model.safetensors and another pytorch_model.bin: safetensors wins")
def _(folder):
    other = {name: torch.zeros_like(tensor) if name.endswith("bias") else tensor for name, tensor in weights(folder).items()}
    torch.save(other, folder / "pytorch_model.bin")


@form("masked-lm-head", "weights of BertForMaskedLM: bert. before names and cls.predictions…")
def _(folder):
    tensors = {"bert." + name: tensor for name, tensor in weights(folder).items() if not name.startswith("pooler")}
    tensors["cls.predictions.bias"] = torch.zeros(tensors["bert.embeddings.word_embeddings.weight"].shape[0])
    save(folder, tensors)
    config(folder, architectures=["BertForMaskedLM"])


@form("missing-layer-tensor", "a tensor of layer 1 is not in the file: the reference makes it up at random")
def _(folder):
    tensors = weights(folder)
    del tensors["encoder.layer.1.output.dense.weight"]
    save(folder, tensors)


@form("vocabulary-larger-than-table", "vocab_size and the table end before the last words of the tokenizer")
def _(folder):
    tensors = weights(folder)
    table = tensors["embeddings.word_embeddings.weight"]
    tensors["embeddings.word_embeddings.weight"] = table[:-30].clone()
    save(folder, tensors)
    config(folder, vocab_size=table.shape[0] - 30)


@form("table-larger-than-vocabulary", "embedding table padded to a multiple of 64, vocab_size says so")
def _(folder):
    tensors = weights(folder)
    table = tensors["embeddings.word_embeddings.weight"]
    rows = -(-table.shape[0] // 64) * 64
    tensors["embeddings.word_embeddings.weight"] = torch.cat([table, torch.ones(rows - table.shape[0], 32)])
    save(folder, tensors)
    config(folder, vocab_size=rows)


@form("vocab-size-wrong", "vocab_size of config.json is not the table's")
def _(folder):
    config(folder, vocab_size=1000)


@form("auto-map-of-ours", "auto_map to code on a hub, model_type bert: the reference asks for trust or reads its own class")
def _(folder):
    config(folder, auto_map={"AutoModel": "other/repository--modeling_bert.BertModel"})


@form("quantization-config", "config.json quantization_config bitsandbytes 8 bit")
def _(folder):
    config(folder, quantization_config=dict(quant_method="bitsandbytes", load_in_8bit=True))


@form("camembert", "CamemBERT: model_type camembert with XLM-RoBERTa's files", base="xlm_roberta")
def _(folder):
    config(folder, model_type="camembert", architectures=["CamembertModel"])


@form("mpnet", "MPNet with its relative bias over BERT's vocabulary")
def _(folder):
    from transformers import AutoModel, MPNetConfig, MPNetTokenizerFast
    from bases import POSITIONS, SIZES, word_pieces
    vocabulary = ["<s>", "<pad>", "</s>", "[UNK]", *word_pieces()[5:], "<mask>"]
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "model.safetensors"):
        (folder / name).unlink()
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    MPNetTokenizerFast(str(folder / "vocab.txt"), model_max_length=POSITIONS).save_pretrained(folder)
    model = AutoModel.from_config(MPNetConfig(vocab_size=len(vocabulary), max_position_embeddings=POSITIONS + 2, **SIZES))
    randomise(model, 22).save_pretrained(folder)


@form("t5-encoder", "a T5 encoder")
def _(folder):
    from transformers import T5Config, T5EncoderModel
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    t5 = T5Config(vocab_size=size, d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4)
    randomise(T5EncoderModel(t5), 23).save_pretrained(folder)


@form("deberta", "DeBERTa v2")
def _(folder):
    from transformers import AutoModel, DebertaV2Config
    from bases import POSITIONS, SIZES
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    deberta = DebertaV2Config(vocab_size=size, max_position_embeddings=POSITIONS, type_vocab_size=0, **SIZES)
    randomise(AutoModel.from_config(deberta), 24).save_pretrained(folder)
