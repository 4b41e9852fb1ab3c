// go-openai: `go run . CONTRACT.json` prints a line of JSON for each case.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

type contract struct {
	URL        string      `json:"url"`
	Busy       string      `json:"busy"`
	Key        string      `json:"key"`
	Model      string      `json:"model"`
	Dimension  int         `json:"dimension"`
	MaxTokens  int         `json:"maxTokens"`
	Texts      []string    `json:"texts"`
	Vectors    [][]float64 `json:"vectors"`
	Many       []string    `json:"many"`
	ManyVector [][]float64 `json:"manyVectors"`
	IDs        [][]int     `json:"ids"`
	Sliced     []float64   `json:"sliced"`
	Long       string      `json:"long"`
	LongTokens int         `json:"longTokens"`
}

// float32 forward pass against the reference, which is sentence-transformers.
const leastCosine = 0.99999

func near(vectors [][]float32, references [][]float64) error {
	if len(vectors) != len(references) {
		return fmt.Errorf("%d vectors for %d texts", len(vectors), len(references))
	}
	for i, vector := range vectors {
		if len(vector) != len(references[i]) {
			return fmt.Errorf("vector %d has %d numbers, not %d", i, len(vector), len(references[i]))
		}
		var product, one, other float64
		for j, value := range vector {
			product += float64(value) * references[i][j]
			one += float64(value) * float64(value)
			other += references[i][j] * references[i][j]
		}
		if cosine := product / math.Sqrt(one*other); !(cosine > leastCosine) {
			return fmt.Errorf("vector %d has the cosine %f to the reference", i, cosine)
		}
		if math.Abs(math.Sqrt(one)-math.Sqrt(other)) > 1e-4 {
			return fmt.Errorf("vector %d has the length %f", i, math.Sqrt(one))
		}
	}
	return nil
}

// refused wants an APIError of the status whose message has the words.
func refused(err error, status int, words ...string) error {
	var refusal *openai.APIError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("no APIError, but %v", err)
	}
	if refusal.HTTPStatusCode != status {
		return fmt.Errorf("the status is %d, not %d: %s", refusal.HTTPStatusCode, status, refusal.Message)
	}
	for _, word := range words {
		if !strings.Contains(refusal.Message, word) {
			return fmt.Errorf("%q is not in the message: %s", word, refusal.Message)
		}
	}
	return nil
}

func main() {
	bytes, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var c contract
	if err := json.Unmarshal(bytes, &c); err != nil {
		panic(err)
	}
	client := func(url, key string) *openai.Client {
		config := openai.DefaultConfig(key)
		config.BaseURL = url + "/v1"
		return openai.NewClientWithConfig(config)
	}
	usual := client(c.URL, c.Key)
	ctx := context.Background()
	create := func(client *openai.Client, request openai.EmbeddingRequestConverter) ([][]float32, error) {
		answer, err := client.CreateEmbeddings(ctx, request)
		if err != nil {
			return nil, err
		}
		vectors := make([][]float32, len(answer.Data))
		for _, each := range answer.Data {
			vectors[each.Index] = each.Embedding
		}
		return vectors, nil
	}
	model := openai.EmbeddingModel(c.Model)
	texts := func(input []string) openai.EmbeddingRequestStrings {
		return openai.EmbeddingRequestStrings{Input: input, Model: model}
	}
	cases := []struct {
		name string
		run  func() error
	}{
		{"one text", func() error {
			vectors, err := create(usual, openai.EmbeddingRequest{Input: c.Texts[0], Model: model})
			if err != nil {
				return err
			}
			return near(vectors, c.Vectors[:1])
		}},
		{"a batch", func() error {
			vectors, err := create(usual, texts(c.Texts))
			if err != nil {
				return err
			}
			return near(vectors, c.Vectors)
		}},
		{"more than 32 texts", func() error {
			vectors, err := create(usual, texts(c.Many))
			if err != nil {
				return err
			}
			return near(vectors, c.ManyVector)
		}},
		{"base64", func() error {
			request := texts(c.Texts)
			request.EncodingFormat = openai.EmbeddingEncodingFormatBase64
			vectors, err := create(usual, request)
			if err != nil {
				return err
			}
			return near(vectors, c.Vectors)
		}},
		{"dimensions", func() error {
			request := texts(c.Texts[:1])
			request.Dimensions = len(c.Sliced)
			vectors, err := create(usual, request)
			if err != nil {
				return err
			}
			return near(vectors, [][]float64{c.Sliced})
		}},
		{"token ids", func() error {
			vectors, err := create(usual, openai.EmbeddingRequestTokens{Input: c.IDs[:3], Model: model})
			if err != nil {
				return err
			}
			return near(vectors, c.Vectors[:3])
		}},
		{"a model that is not there", func() error {
			_, err := create(usual, openai.EmbeddingRequestStrings{Input: []string{"x"}, Model: openai.SmallEmbedding3})
			return refused(err, 404, c.Model)
		}},
		{"a text beyond the limit", func() error {
			_, err := create(usual, texts([]string{c.Long}))
			return refused(err, 400, strconv.Itoa(c.MaxTokens), strconv.Itoa(c.LongTokens))
		}},
		{"a wrong key", func() error {
			_, err := create(client(c.URL, "wrong"), texts(c.Texts[:1]))
			return refused(err, 401, "key")
		}},
		{"429", func() error {
			_, err := create(client(c.Busy+"/always", c.Key), texts(c.Texts[:1]))
			return refused(err, 429)
		}},
		{"models", func() error {
			list, err := usual.ListModels(ctx)
			if err != nil {
				return err
			}
			for _, each := range list.Models {
				if each.ID == c.Model {
					_, err = usual.GetModel(ctx, c.Model)
					return err
				}
			}
			return fmt.Errorf("%s is not in the list", c.Model)
		}},
	}
	out := json.NewEncoder(os.Stdout)
	for _, each := range cases {
		outcome := map[string]string{"client": "go-openai", "case": each.name, "status": "passed"}
		if err := each.run(); err != nil {
			outcome["status"], outcome["detail"] = "failed", err.Error()
		}
		if err := out.Encode(outcome); err != nil {
			panic(err)
		}
	}
	if err := out.Encode(map[string]int{"cases": len(cases)}); err != nil {
		panic(err)
	}
}
