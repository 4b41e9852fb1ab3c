"""A BERT checkpoint as GGUF, the form that llama.cpp reads: its own converter is in no package.

usage: write-gguf.py CHECKPOINT OUT f32|q8_0
Names of tensors and keys: the package gguf (0.19) and docs/gguf.md of ggml. Matrices of the layers are stored in the named
type, all else in float32, as llama.cpp's converter does.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy
from safetensors.numpy import load_file

CONTROL = {"[PAD]", "[CLS]", "[SEP]", "[MASK]"}


def add_tokenizer(writer, checkpoint):
    vocabulary = json.loads((checkpoint / "tokenizer.json").read_text())["model"]["vocab"]
    pieces = sorted(vocabulary, key=vocabulary.get)
    # llama.cpp marks the beginning of a word, BERT its continuation.
    special = CONTROL | {"[UNK]"}
    writer.add_tokenizer_model("bert")
    writer.add_token_list([piece if piece in special else piece[2:] if piece.startswith("##") else "\u2581" + piece for piece in pieces])
    kinds = {"[UNK]": gguf.TokenType.UNKNOWN, **{piece: gguf.TokenType.CONTROL for piece in CONTROL}}
    writer.add_token_types([kinds.get(piece, gguf.TokenType.NORMAL) for piece in pieces])
    writer.add_token_scores([-1000.0] * len(pieces))
    writer.add_token_type_count(2)
    for add, piece in [
        (writer.add_bos_token_id, "[CLS]"),
        (writer.add_eos_token_id, "[SEP]"),
        (writer.add_sep_token_id, "[SEP]"),
        (writer.add_unk_token_id, "[UNK]"),
        (writer.add_pad_token_id, "[PAD]"),
        (writer.add_mask_token_id, "[MASK]"),
    ]:
        add(vocabulary[piece])


def add_tensors(writer, checkpoint, layers, quantization):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    for name, values in load_file(str(checkpoint / "model.safetensors")).items():
        mapped = names.get_name(name, try_suffixes=(".weight", ".bias"))
        # Position ids and the pooler are no part of the encoder.
        if mapped is None or name.startswith("pooler."):
            continue
        values = values.astype(numpy.float32)
        if mapped.startswith("blk.") and values.ndim == 2 and quantization != gguf.GGMLQuantizationType.F32:
            writer.add_tensor(mapped, gguf.quants.quantize(values, quantization), raw_dtype=quantization)
        else:
            writer.add_tensor(mapped, values)


def main():
    checkpoint, out, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    config = json.loads((checkpoint / "config.json").read_text())
    quantization = gguf.GGMLQuantizationType[kind.upper()]
    writer = gguf.GGUFWriter(out, "bert")
    writer.add_name(checkpoint.name)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if kind == "f32" else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    add_tokenizer(writer, checkpoint)
    add_tensors(writer, checkpoint, config["num_hidden_layers"], quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
