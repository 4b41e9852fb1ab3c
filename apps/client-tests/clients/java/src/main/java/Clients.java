import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel.OpenAiEmbeddingModelBuilder;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** langchain4j: with the contract's file as its argument it prints a line of JSON for each case. */
public final class Clients {
  /** float32 forward pass against the reference, which is sentence-transformers. */
  private static final double LEAST_COSINE = 0.99999;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static JsonNode contract;

  private interface Case {
    void run() throws Exception;
  }

  public static void main(String[] words) throws Exception {
    contract = JSON.readTree(new File(words[0]));
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put("one text", () -> near(List.of(model().build().embed(texts("texts").get(0).text()).content()), "vectors", 1));
    cases.put("a batch", () -> near(model().build().embedAll(texts("texts")).content(), "vectors", texts("texts").size()));
    cases.put("more than 32 texts", () -> near(model().build().embedAll(texts("many")).content(), "manyVectors", texts("many").size()));
    cases.put("floats", () -> near(model().encodingFormat("float").build().embedAll(texts("texts")).content(), "vectors", texts("texts").size()));
    cases.put("base64", () -> near(model().encodingFormat("base64").build().embedAll(texts("texts")).content(), "vectors", texts("texts").size()));
    cases.put("dimensions", () -> near(
        model().dimensions(contract.get("sliced").size()).build().embed(texts("texts").get(0).text()).content().vector(), contract.get("sliced")));
    cases.put("a model that is not there", () ->
        refused(() -> model().modelName("text-embedding-3-small").build().embed("x"), ModelNotFoundException.class, contract.get("model").asText()));
    cases.put("a text beyond the limit", () ->
        refused(() -> model().build().embed(contract.get("long").asText()), InvalidRequestException.class, contract.get("longTokens").asText()));
    cases.put("a wrong key", () -> refused(() -> model().apiKey("wrong").build().embed("x"), AuthenticationException.class, "key"));
    cases.put("429", () ->
        refused(() -> model().baseUrl(contract.get("busy").asText() + "/always/v1").build().embed("x"), RateLimitException.class, ""));
    cases.put("429, retried", () ->
        near(List.of(model().baseUrl(contract.get("busy").asText() + "/java-retries/v1").maxRetries(3).build().embed(texts("texts").get(0).text()).content()), "vectors", 1));
    for (Map.Entry<String, Case> each : cases.entrySet()) {
      Map<String, String> outcome = new LinkedHashMap<>(Map.of("client", "langchain4j", "case", each.getKey(), "status", "passed"));
      try {
        each.getValue().run();
      } catch (Exception | AssertionError error) {
        outcome.put("status", "failed");
        outcome.put("detail", error.toString());
      }
      System.out.println(JSON.writeValueAsString(outcome));
    }
    System.out.println(JSON.writeValueAsString(Map.of("cases", cases.size())));
  }

  private static OpenAiEmbeddingModelBuilder model() {
    return OpenAiEmbeddingModel.builder()
        .baseUrl(contract.get("url").asText() + "/v1")
        .apiKey(contract.get("key").asText())
        .modelName(contract.get("model").asText())
        .maxRetries(0);
  }

  private static List<TextSegment> texts(String name) {
    List<TextSegment> texts = new ArrayList<>();
    contract.get(name).forEach(text -> texts.add(TextSegment.from(text.asText())));
    return texts;
  }

  private static void near(List<Embedding> found, String references, int count) {
    if (found.size() != count) throw new AssertionError(found.size() + " vectors for " + count + " texts");
    for (int i = 0; i < count; i++) near(found.get(i).vector(), contract.get(references).get(i));
  }

  private static void near(float[] vector, JsonNode reference) {
    if (vector.length != reference.size()) throw new AssertionError(vector.length + " numbers, not " + reference.size());
    double product = 0;
    double one = 0;
    double other = 0;
    for (int i = 0; i < vector.length; i++) {
      product += vector[i] * reference.get(i).asDouble();
      one += vector[i] * (double) vector[i];
      other += reference.get(i).asDouble() * reference.get(i).asDouble();
    }
    double cosine = product / Math.sqrt(one * other);
    if (!(cosine > LEAST_COSINE)) throw new AssertionError("the cosine to the reference is " + cosine);
    if (Math.abs(Math.sqrt(one) - Math.sqrt(other)) > 1e-4) throw new AssertionError("the length is " + Math.sqrt(one));
  }

  private static void refused(Case call, Class<? extends Exception> kind, String word) throws Exception {
    try {
      call.run();
    } catch (Exception error) {
      if (!kind.isInstance(error)) throw new AssertionError(error + " instead of " + kind.getSimpleName());
      if (!String.valueOf(error.getMessage()).contains(word)) throw new AssertionError(word + " is not in the message: " + error.getMessage());
      return;
    }
    throw new AssertionError("answered instead of refused");
  }
}
