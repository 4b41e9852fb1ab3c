"""Python clients: `python clients.py CONTRACT.json` prints a line of JSON for each case."""

import asyncio
import os

# Of the clients' own: no telemetry, no requests but to the server.
os.environ.update(
    ANONYMIZED_TELEMETRY="False", HAYSTACK_TELEMETRY_ENABLED="False", LITELLM_LOCAL_MODEL_COST_MAP="True", HF_HUB_OFFLINE="0"
)

import chromadb.utils.embedding_functions as chroma
import litellm
import openai
import tiktoken.registry
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.dataclasses import Document
from haystack.utils import Secret
from haystack_integrations.components.embedders.huggingface_api import (
    HuggingFaceAPIDocumentEmbedder,
    HuggingFaceAPITextEmbedder,
)
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

from cases import case, close, contract, main, refused, retried, same_direction

texts, vectors, model, key = contract.texts, contract.vectors, contract.model, contract.key
many, many_vectors = contract.many, contract.manyVectors
v1 = f"{contract.url}/v1"

# --- openai ---------------------------------------------------------------------------------------------------------
official = openai.OpenAI(base_url=v1, api_key=key, max_retries=0)


def create(client=official, **options):
    return client.embeddings.create(**{"model": model, **options})


def vectors_of(answer):
    return [each.embedding for each in sorted(answer.data, key=lambda each: each.index)]


@case("openai", "one text")
def _():
    answer = create(input=texts[0])
    close(vectors_of(answer), vectors[:1])
    assert answer.model == model and answer.usage.prompt_tokens == answer.usage.total_tokens == contract.tokens[0]


@case("openai", "a batch")
def _():
    answer = create(input=texts)
    close(vectors_of(answer), vectors)
    assert answer.usage.prompt_tokens == sum(contract.tokens), answer.usage


@case("openai", "more than 32 texts")
def _():
    close(vectors_of(create(input=many)), many_vectors)


@case("openai", "floats")
def _():
    close(vectors_of(create(input=texts, encoding_format="float")), vectors)


@case("openai", "base64, not decoded")
def _():
    assert isinstance(create(input=texts[0], encoding_format="base64").data[0].embedding, str)


@case("openai", "dimensions")
def _():
    close(vectors_of(create(input=texts[0], dimensions=len(contract.sliced))), [contract.sliced])


@case("openai", "more dimensions than there are")
def _():
    refused(
        lambda: create(input=texts[0], dimensions=contract.dimension + 1), openai.BadRequestError, [contract.dimension]
    )


@case("openai", "token ids")
def _():
    close(vectors_of(create(input=contract.ids[0])), vectors[:1])
    close(vectors_of(create(input=contract.ids[:3])), vectors[:3])


@case("openai", "another model's token ids")
def _():
    refused(lambda: create(input=[[90_000, 90_001]]), openai.BadRequestError, ["check_embedding_ctx_length"])


@case("openai", "user")
def _():
    close(vectors_of(create(input=texts[0], user="someone")), vectors[:1])


@case("openai", "a model that is not there")
def _():
    error = refused(lambda: create(model="text-embedding-3-small", input="x"), openai.NotFoundError, [model])
    assert error.code == "model_not_found" and error.param == "model", error.body


@case("openai", "a text beyond the limit")
def _():
    error = refused(
        lambda: create(input=[texts[0], contract.long]),
        openai.BadRequestError,
        [contract.maxTokens, contract.longTokens],
    )
    assert error.type == "invalid_request_error" and error.param == "input", error.body


@case("openai", "a text beyond the limit, cut on request")
def _():
    answer = create(input=contract.long, extra_body={"truncate": True})
    assert len(answer.data[0].embedding) == contract.dimension


@case("openai", "an empty text, an empty list")
def _():
    refused(lambda: create(input=""), openai.BadRequestError, ["empty"])
    refused(lambda: create(input=[]), openai.BadRequestError, ["empty"])


@case("openai", "odd texts")
def _():
    answer = create(input=["\x00", " ", "a" * 200, "\u202e", "é́́́"])
    assert all(len(each.embedding) == contract.dimension for each in answer.data)


@case("openai", "a wrong key")
def _():
    error = refused(
        lambda: create(openai.OpenAI(base_url=v1, api_key="wrong", max_retries=0), input="x"),
        openai.AuthenticationError,
        ["key"],
    )
    assert error.code == "invalid_api_key", error.body


@case("openai", "429, without retries")
def _():
    busy = openai.OpenAI(base_url=f"{contract.busy}/always/v1", api_key=key, max_retries=0)
    error = refused(lambda: create(busy, input="x"), openai.RateLimitError)
    assert error.code == "rate_limit_exceeded" or error.code == "overloaded", error.body
    assert error.response.headers["retry-after"] == str(contract.retryAfter)


@case("openai", "429, retried")
def _():
    busy = openai.OpenAI(base_url=f"{contract.busy}/openai-python-retries/v1", api_key=key)
    close(vectors_of(retried(lambda: create(busy, input=texts[0]))), vectors[:1])


@case("openai", "models")
def _():
    assert model in [each.id for each in official.models.list()]
    assert official.models.retrieve(model).id == model
    refused(lambda: official.models.retrieve("gpt-4"), openai.NotFoundError)


@case("openai", "space of the vectors in a header")
def _():
    raw = official.embeddings.with_raw_response.create(model=model, input=texts[0])
    assert len(raw.headers["x-embedding-space"]) == 64
    assert raw.request_id, "no x-request-id"


@case("openai", "many at once")
def _():
    async def run():
        client = openai.AsyncOpenAI(base_url=v1, api_key=key)
        answers = await asyncio.gather(*(client.embeddings.create(model=model, input=text) for text in texts))
        await client.close()
        return [answer.data[0].embedding for answer in answers]

    close(asyncio.run(run()), vectors)


# --- huggingface_hub ------------------------------------------------------------------------------------------------
hub = InferenceClient(base_url=contract.url, token=key)


def features(text, client=hub, **options):
    answer = client.feature_extraction(text, **options)
    return answer


@case("huggingface_hub", "one text")
def _():
    close(features(texts[0]), vectors[:1])


@case("huggingface_hub", "a batch")
def _():
    close(features(texts), vectors)


@case("huggingface_hub", "more than 32 texts")
def _():
    close(features(many), many_vectors)


@case("huggingface_hub", "normalize, both")
def _():
    close(features(texts, normalize=True), vectors)
    same_direction(features(texts, normalize=False), vectors)


@case("huggingface_hub", "truncate from both sides")
def _():
    right = features(contract.long, truncate=True, truncation_direction="right")
    left = features(contract.long, truncate=True, truncation_direction="left")
    assert right.shape == left.shape == (1, contract.dimension)
    assert abs(right - left).max() > 1e-3, "left and right give one vector"


@case("huggingface_hub", "dimensions")
def _():
    close(features(texts[0], dimensions=len(contract.sliced)), [contract.sliced])


@case("huggingface_hub", "encoding_format float")
def _():
    close(features(texts[0], encoding_format="float"), vectors[:1])


@case("huggingface_hub", "a text beyond the limit")
def _():
    error = refused(lambda: features(contract.long), HfHubHTTPError, status=422)
    body = error.response.json()
    assert body["error_type"] == "Validation" and str(contract.longTokens) in body["error"], body


@case("huggingface_hub", "an unknown prompt")
def _():
    refused(lambda: features(texts[0], prompt_name="nothing"), HfHubHTTPError, status=422)


@case("huggingface_hub", "a wrong key")
def _():
    refused(lambda: features("x", InferenceClient(base_url=contract.url, token="wrong")), HfHubHTTPError, status=401)


@case("huggingface_hub", "429")
def _():
    error = refused(
        lambda: features("x", InferenceClient(base_url=f"{contract.busy}/always", token=key)), HfHubHTTPError, status=429
    )
    assert error.response.json()["error_type"] == "Overloaded", error.response.text


@case("huggingface_hub", "similarity of sentences")
def _():
    at_route = InferenceClient(base_url=f"{contract.url}/similarity", token=key)
    scores = at_route.sentence_similarity(texts[0], other_sentences=texts[1:3])
    expected = [sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:3]]
    assert all(abs(a - b) < 1e-4 for a, b in zip(scores, expected)), (scores, expected)


@case("huggingface_hub", "asynchronous")
def _():
    async def run():
        async with AsyncInferenceClient(base_url=contract.url, token=key) as client:
            return await asyncio.gather(*(client.feature_extraction(text) for text in texts))

    close([answer[0] for answer in asyncio.run(run())], vectors)


# --- LangChain ------------------------------------------------------------------------------------------------------
def langchain(**options):
    return OpenAIEmbeddings(
        **{"model": model, "base_url": v1, "api_key": key, "check_embedding_ctx_length": False, "max_retries": 0, **options}
    )


@case("langchain-openai", "one text")
def _():
    close([langchain().embed_query(texts[0])], vectors[:1])


@case("langchain-openai", "documents, more than 32")
def _():
    close(langchain().embed_documents(many), many_vectors)


@case("langchain-openai", "asynchronous")
def _():
    close(asyncio.run(langchain().aembed_documents(texts)), vectors)


@case("langchain-openai", "dimensions")
def _():
    close([langchain(dimensions=len(contract.sliced)).embed_query(texts[0])], [contract.sliced])


@case("langchain-openai", "by default it sends token ids of another model: the error names the setting")
def _():
    # The real table is fetched from a host of its own: this one has ids as large as its.
    tiktoken.registry.ENCODINGS["cl100k_base"] = tiktoken.Encoding(
        "cl100k_base",
        pat_str=r".|\n",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={f"<{index}>": 90_000 + index for index in range(3)},
    )
    client = langchain(check_embedding_ctx_length=True, allowed_special="all")
    refused(lambda: client.embed_documents(["<0><1><2>"]), openai.BadRequestError, ["check_embedding_ctx_length"])


@case("langchain-openai", "a model that is not there")
def _():
    refused(lambda: langchain(model="text-embedding-3-small").embed_query("x"), openai.NotFoundError, [model])


@case("langchain-openai", "a text beyond the limit")
def _():
    refused(lambda: langchain().embed_query(contract.long), openai.BadRequestError, [contract.maxTokens])


@case("langchain-openai", "429, retried")
def _():
    busy = langchain(base_url=f"{contract.busy}/langchain/v1", max_retries=2)
    close([retried(lambda: busy.embed_query(texts[0]))], vectors[:1])


def langchain_hub():
    embeddings = HuggingFaceEndpointEmbeddings(model=model, huggingfacehub_api_token=key)
    # The constructor refuses an address in `model`, and has no other option for it.
    embeddings.client = InferenceClient(base_url=contract.url, token=key)
    embeddings.async_client = AsyncInferenceClient(base_url=contract.url, token=key)
    return embeddings


@case("langchain-huggingface", "one text")
def _():
    close([langchain_hub().embed_query(texts[0])], vectors[:1])


@case("langchain-huggingface", "documents, more than 32")
def _():
    close(langchain_hub().embed_documents(many), many_vectors)


@case("langchain-huggingface", "asynchronous")
def _():
    close(asyncio.run(langchain_hub().aembed_documents(texts)), vectors)


# --- LlamaIndex -----------------------------------------------------------------------------------------------------
def llama(**options):
    return OpenAILikeEmbedding(
        **{"model_name": model, "api_base": v1, "api_key": key, "embed_batch_size": 100, "max_retries": 0, **options}
    )


@case("llama-index openai-like", "one text, query and text")
def _():
    close([llama().get_query_embedding(texts[0]), llama().get_text_embedding(texts[1])], vectors[:2])


@case("llama-index openai-like", "more than 32 texts")
def _():
    close(llama().get_text_embedding_batch(many), many_vectors)


@case("llama-index openai-like", "asynchronous")
def _():
    close(asyncio.run(llama().aget_text_embedding_batch(texts)), vectors)


@case("llama-index openai-like", "dimensions")
def _():
    close([llama(dimensions=len(contract.sliced)).get_text_embedding(texts[0])], [contract.sliced])


@case("llama-index openai-like", "a model that is not there")
def _():
    refused(lambda: llama(model_name="nothing").get_text_embedding("x"), openai.NotFoundError, [model])


def llama_tei(**options):
    return TextEmbeddingsInference(
        **{"model_name": model, "base_url": contract.url, "auth_token": f"{key}", "embed_batch_size": 100, **options}
    )


@case("llama-index text-embeddings-inference", "one text, query and text")
def _():
    close([llama_tei().get_query_embedding(texts[0]), llama_tei().get_text_embedding(texts[1])], vectors[:2])


@case("llama-index text-embeddings-inference", "more than 32 texts")
def _():
    close(llama_tei().get_text_embedding_batch(many), many_vectors)


@case("llama-index text-embeddings-inference", "asynchronous")
def _():
    close(asyncio.run(llama_tei().aget_text_embedding_batch(texts)), vectors)


@case("llama-index text-embeddings-inference", "a text beyond the limit, cut as it asks")
def _():
    assert len(llama_tei().get_text_embedding(contract.long)) == contract.dimension


# --- Haystack -------------------------------------------------------------------------------------------------------
token = Secret.from_token(key)


def documents(some):
    return [Document(content=text) for text in some]


@case("haystack openai", "one text")
def _():
    embedder = OpenAITextEmbedder(model=model, api_base_url=v1, api_key=token)
    close([embedder.run(texts[0])["embedding"]], vectors[:1])


@case("haystack openai", "documents, more than 32")
def _():
    embedder = OpenAIDocumentEmbedder(model=model, api_base_url=v1, api_key=token, batch_size=100, progress_bar=False)
    close([each.embedding for each in embedder.run(documents(many))["documents"]], many_vectors)


@case("haystack openai", "dimensions")
def _():
    embedder = OpenAITextEmbedder(model=model, api_base_url=v1, api_key=token, dimensions=len(contract.sliced))
    close([embedder.run(texts[0])["embedding"]], [contract.sliced])


tei = {"api_type": "text_embeddings_inference", "api_params": {"url": contract.url}, "token": token}


@case("haystack text-embeddings-inference", "one text, its default normalize: false")
def _():
    same_direction([HuggingFaceAPITextEmbedder(**tei).run(texts[0])["embedding"]], vectors[:1])


@case("haystack text-embeddings-inference", "one text, normalised")
def _():
    close([HuggingFaceAPITextEmbedder(**tei, normalize=True).run(texts[0])["embedding"]], vectors[:1])


@case("haystack text-embeddings-inference", "documents, more than 32")
def _():
    embedder = HuggingFaceAPIDocumentEmbedder(**tei, normalize=True, batch_size=100, progress_bar=False)
    close([each.embedding for each in embedder.run(documents(many))["documents"]], many_vectors)


@case("haystack text-embeddings-inference", "documents, its default normalize: false")
def _():
    embedder = HuggingFaceAPIDocumentEmbedder(**tei, progress_bar=False)
    same_direction([each.embedding for each in embedder.run(documents(many))["documents"]], many_vectors)


# --- Chroma ---------------------------------------------------------------------------------------------------------
@case("chroma openai", "texts")
def _():
    function = chroma.OpenAIEmbeddingFunction(api_key=key, api_base=v1, model_name=model)
    close(function(many), many_vectors)


@case("chroma text-embeddings-inference", "texts")
def _():
    function = chroma.HuggingFaceEmbeddingServer(url=f"{contract.url}/embed", api_key=key)
    close(function(many), many_vectors)


# --- LiteLLM --------------------------------------------------------------------------------------------------------
def lite(**options):
    answer = litellm.embedding(
        **{"model": f"openai/{model}", "api_base": v1, "api_key": key, "max_retries": 0, **options}
    )
    return [each["embedding"] for each in answer.data]


@case("litellm", "one text")
def _():
    close(lite(input=texts[0]), vectors[:1])


@case("litellm", "more than 32 texts")
def _():
    close(lite(input=many), many_vectors)


@case("litellm", "floats")
def _():
    close(lite(input=texts, encoding_format="float"), vectors)


@case("litellm", "base64")
def _():
    assert isinstance(lite(input=texts[:1], encoding_format="base64")[0], str)


@case("litellm", "a model that is not there")
def _():
    refused(lambda: lite(model="openai/nothing", input=["x"]), litellm.NotFoundError, [model])


@case("litellm", "a wrong key")
def _():
    refused(lambda: lite(api_key="wrong", input=["x"]), litellm.AuthenticationError)


@case("litellm", "a text beyond the limit")
def _():
    refused(lambda: lite(input=[contract.long]), litellm.BadRequestError, [contract.maxTokens])


@case("litellm", "429")
def _():
    refused(lambda: lite(api_base=f"{contract.busy}/always/v1", input=["x"]), litellm.RateLimitError)


if __name__ == "__main__":
    main()
