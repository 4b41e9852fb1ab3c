/** A request as the fake server saw it. */
export interface Seen {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly signal: AbortSignal | undefined;
}

export type Answer = (seen: Seen, index: number) => Response | Promise<Response>;

/** `fetch` of a client, answered by a function; with all that was asked. */
export function fakeServer(answer: Answer): { readonly fetch: typeof fetch; readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const fake: typeof fetch = async (input, init = {}) => {
    const request: Seen = {
      path: new URL(input instanceof Request ? input.url : input).pathname,
      headers: new Headers(init.headers),
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {},
      signal: init.signal ?? undefined,
    };
    seen.push(request);
    init.signal?.throwIfAborted();
    return answer(request, seen.length - 1);
  };
  return { fetch: fake, seen };
}

/** Of each text a vector with its length, and that of its chunk's first text, as its numbers. */
export function embeddings({ body }: Seen, space = 'a'.repeat(64), truncated = ''): Response {
  const texts = body['input'] as readonly string[];
  const data = texts.map((text, index) => ({ index, embedding: float32(text.length, texts.length) }));
  return Response.json(
    // In another order than the texts.
    { model: 'm', data: data.reverse(), usage: { total_tokens: 1 } },
    { headers: { 'x-embedding-space': space, 'x-truncated-inputs': truncated } },
  );
}

export function float32(...numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
}

export function refusal(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { message: 'no', type: 'x', param: 'input', code } }, { status, headers });
}
