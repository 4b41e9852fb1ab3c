"""Forms whose odd part is the tokenizer: casing, accents, truncation, added tokens, limits, vocabulary files."""

import json

from bases import POSITIONS, edit_json, pooling, write_json

FORMS = []


def form(name, about, base="bert"):
    def add(change):
        FORMS.append((name, base, about, change))
        return change
    return add


def config(folder, **changes):
    edit_json(folder / "tokenizer_config.json", **changes)


def tokenizer(folder, change):
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    write_json(path, content)


def remove(folder, *names):
    for name in names:
        (folder / name).unlink(missing_ok=True)


@form("truncation-left-short-limit", "truncation_side left with max_seq_length 12")
def _(folder):
    config(folder, truncation_side="left")
    edit_json(folder / "sentence_bert_config.json", max_seq_length=12)


@form("truncation-left-in-tokenizer-json", "tokenizer.json truncation Left, tokenizer_config says nothing")
def _(folder):
    tokenizer(folder, lambda t: t.update(truncation=dict(direction="Left", max_length=16, strategy="LongestFirst", stride=0)))


@form("truncation-left-unigram", "truncation_side left, XLM-RoBERTa, limit 20", base="xlm_roberta")
def _(folder):
    config(folder, truncation_side="left")
    edit_json(folder / "sentence_bert_config.json", max_seq_length=20)


@form("strip-accents-false", "tokenizer_config strip_accents false and lower case; tokenizer.json strip_accents null")
def _(folder):
    config(folder, strip_accents=False)


@form("strip-accents-true-cased", "tokenizer_config strip_accents true, do_lower_case false; tokenizer.json lower-cases")
def _(folder):
    config(folder, strip_accents=True, do_lower_case=False)


@form("strip-accents-only-in-tokenizer-json", "tokenizer.json strip_accents false; tokenizer_config has no such key")
def _(folder):
    config(folder, remove=["strip_accents"])
    tokenizer(folder, lambda t: t["normalizer"].update(strip_accents=False))


@form("cased-config-uncased-file", "tokenizer_config do_lower_case false; tokenizer.json lowercase true; sentence_bert_config false")
def _(folder):
    config(folder, do_lower_case=False)


@form("cased-tokenizer-lower-case-st", "cased tokenizer (both files); sentence_bert_config do_lower_case true")
def _(folder):
    config(folder, do_lower_case=False)
    tokenizer(folder, lambda t: t["normalizer"].update(lowercase=False))
    edit_json(folder / "sentence_bert_config.json", do_lower_case=True)


@form("lower-case-before-unigram", "XLM-RoBERTa with sentence_bert_config do_lower_case true", base="xlm_roberta")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", do_lower_case=True)


@form("chinese-chars-not-split", "tokenizer_config tokenize_chinese_chars false; tokenizer.json handle_chinese_chars true")
def _(folder):
    config(folder, tokenize_chinese_chars=False)


@form("fast-class-without-casing-keys", "tokenizer_config of PreTrainedTokenizerFast: no casing keys; tokenizer.json is cased")
def _(folder):
    config(folder, remove=["do_lower_case", "strip_accents", "tokenize_chinese_chars", "do_basic_tokenize", "never_split"],
           tokenizer_class="PreTrainedTokenizerFast")
    tokenizer(folder, lambda t: t["normalizer"].update(lowercase=False, strip_accents=False))


@form("no-tokenizer-config", "tokenizer.json alone: no tokenizer_config.json, special_tokens_map.json or vocab.txt; cased")
def _(folder):
    remove(folder, "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
    tokenizer(folder, lambda t: t["normalizer"].update(lowercase=False))


def added(content, **changes):
    return dict(content=content, lstrip=False, rstrip=False, single_word=False, normalized=False, special=True) | changes


@form("added-tokens-not-in-file", "added_tokens_decoder gives [unused1] and [ENT]-like tokens that tokenizer.json does not have")
def _(folder):
    path = folder / "tokenizer_config.json"
    decoder = json.loads(path.read_text(encoding="utf-8"))["added_tokens_decoder"]
    config(folder, added_tokens_decoder={**decoder, "5": added("[unused1]"), "6": added("[unused2]", special=False)})


@form("additional-special-tokens", "special_tokens_map and tokenizer_config name additional_special_tokens [unused1], [unused2]")
def _(folder):
    edit_json(folder / "special_tokens_map.json", additional_special_tokens=["[unused1]", "[unused2]"])
    config(folder, additional_special_tokens=["[unused1]", "[unused2]"])


@form("added-tokens-beyond-vocabulary", "added_tokens.json with [ENT] and <code>: ids beyond the embedding table")
def _(folder):
    size = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    write_json(folder / "added_tokens.json", {"[ENT]": size, "<code>": size + 1})
    path = folder / "tokenizer_config.json"
    decoder = json.loads(path.read_text(encoding="utf-8"))["added_tokens_decoder"]
    config(folder, added_tokens_decoder={**decoder, str(size): added("[ENT]"), str(size + 1): added("<code>")})


@form("mask-token-strips", "special_tokens_map gives mask_token lstrip true; tokenizer.json lstrip false")
def _(folder):
    edit_json(folder / "special_tokens_map.json", mask_token=added("[MASK]", lstrip=True))
    config(folder, remove=["mask_token"])


@form("split-special-tokens", "tokenizer_config split_special_tokens true")
def _(folder):
    config(folder, split_special_tokens=True)


@form("padding-left-lasttoken", "padding_side left with last-token pooling")
def _(folder):
    config(folder, padding_side="left")
    pooling(folder, pooling_mode_lasttoken=True)


@form("model-max-length-below", "tokenizer_config model_max_length 16, sentence_bert_config max_seq_length 48")
def _(folder):
    config(folder, model_max_length=16)


@form("model-max-length-alone", "tokenizer_config model_max_length 24, no max_seq_length anywhere")
def _(folder):
    config(folder, model_max_length=24)
    write_json(folder / "sentence_bert_config.json", dict(do_lower_case=False))


@form("model-max-length-huge", "model_max_length 1e30, no sentence_bert_config.json: the positions are the limit")
def _(folder):
    config(folder, model_max_length=10**30)
    remove(folder, "sentence_bert_config.json")


@form("max-seq-length-null", "max_seq_length null, model_max_length 20")
def _(folder):
    config(folder, model_max_length=20)
    edit_json(folder / "sentence_bert_config.json", max_seq_length=None)


@form("max-seq-length-beyond-positions", "max_seq_length 512 with 64 positions: long texts fail in the reference")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", max_seq_length=512)


@form("limit-beyond-positions-xlmr", "XLM-RoBERTa: no max_seq_length, model_max_length huge: 66 positions, 64 usable", base="xlm_roberta")
def _(folder):
    config(folder, model_max_length=10**30)
    write_json(folder / "sentence_bert_config.json", {})


@form("truncation-in-tokenizer-json", "tokenizer.json truncation 10 and fixed padding 20, no limit elsewhere but the positions")
def _(folder):
    config(folder, remove=["model_max_length"])
    write_json(folder / "sentence_bert_config.json", {})
    tokenizer(folder, lambda t: t.update(
        truncation=dict(direction="Right", max_length=10, strategy="LongestFirst", stride=0),
        padding=dict(strategy=dict(Fixed=20), direction="Right", pad_to_multiple_of=None, pad_id=0, pad_type_id=0,
                     pad_token="[PAD]")))


@form("vocab-txt-only", "vocab.txt and a two-line tokenizer_config.json, cased: no tokenizer.json")
def _(folder):
    remove(folder, "tokenizer.json", "special_tokens_map.json")
    write_json(folder / "tokenizer_config.json", dict(do_lower_case=False, model_max_length=POSITIONS))


@form("vocab-txt-alone", "vocab.txt alone: neither tokenizer.json nor tokenizer_config.json")
def _(folder):
    remove(folder, "tokenizer.json", "special_tokens_map.json", "tokenizer_config.json")


@form("sentencepiece-alone", "sentencepiece.bpe.model and tokenizer_config.json: no tokenizer.json", base="xlm_roberta")
def _(folder):
    remove(folder, "tokenizer.json")


@form("metaspace-first", "XLM-RoBERTa with Metaspace prepend_scheme first and no normaliser", base="xlm_roberta")
def _(folder):
    config(folder, tokenizer_class="PreTrainedTokenizerFast")
    remove(folder, "sentencepiece.bpe.model")
    tokenizer(folder, lambda t: t.update(normalizer=None, pre_tokenizer=dict(
        type="Metaspace", replacement="▁", prepend_scheme="first", split=True)))


@form("bpe-files-alone", "vocab.json and merges.txt: no tokenizer.json", base="roberta")
def _(folder):
    remove(folder, "tokenizer.json")


@form("roberta-prefix-space", "RoBERTa with add_prefix_space true in tokenizer_config, false in tokenizer.json", base="roberta")
def _(folder):
    config(folder, add_prefix_space=True)


@form("cls-token-of-config-differs", "tokenizer_config cls_token [unused1]; tokenizer.json's post-processor puts [CLS]")
def _(folder):
    config(folder, cls_token="[unused1]")
    edit_json(folder / "special_tokens_map.json", cls_token="[unused1]")


@form("sep-token-of-map-differs", "special_tokens_map sep_token [unused2]; tokenizer_config says [SEP]")
def _(folder):
    edit_json(folder / "special_tokens_map.json", sep_token="[unused2]")


@form("template-adds-nothing", "tokenizer.json with post_processor null, class PreTrainedTokenizerFast: no [CLS], no [SEP]")
def _(folder):
    config(folder, tokenizer_class="PreTrainedTokenizerFast")
    tokenizer(folder, lambda t: t.update(post_processor=None))


@form("roberta-processing-trims", "tokenizer.json with RobertaProcessing trim_offsets true", base="roberta")
def _(folder):
    tokenizer(folder, lambda t: t.update(post_processor=dict(
        type="RobertaProcessing", sep=["</s>", 2], cls=["<s>", 0], trim_offsets=True, add_prefix_space=False)))


@form("class-of-other-kind", "tokenizer_class RobertaTokenizer over a BERT tokenizer.json")
def _(folder):
    config(folder, tokenizer_class="RobertaTokenizer")


@form("tokenizer-args-casing", "sentence_bert_config tokenizer_args {do_lower_case: false}, max_seq_length 48")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", tokenizer_args=dict(do_lower_case=False))


@form("tokenizer-args-truncation-side", "sentence_bert_config tokenizer_args {truncation_side: left, model_max_length: 14}")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", tokenizer_args=dict(truncation_side="left", model_max_length=14))


@form("processing-kwargs-max-length", "sentence_bert_config processing_kwargs text max_length 10 (form of 5.x)")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", processing_kwargs=dict(text=dict(max_length=10)))


@form("processing-kwargs-no-special-tokens", "sentence_bert_config processing_kwargs text add_special_tokens false")
def _(folder):
    edit_json(folder / "sentence_bert_config.json", processing_kwargs=dict(text=dict(add_special_tokens=False)))


@form("do-basic-tokenize-false", "tokenizer_config do_basic_tokenize false, never_split [ENT]: the fast tokenizer ignores both")
def _(folder):
    config(folder, do_basic_tokenize=False, never_split=["[ENT]"])
