import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeVector } from '@kimera/model-folder';
import { z } from 'zod';
import { call } from '../service/client.js';
import type { RunningServer } from './servers.js';

const answerSchema = z.object({ data: z.array(z.object({ embedding: z.string() })).length(1) });
/** Until as many requests are under way as there will be. */
const RAMP_MS = 1_000;
const WINDOW_MS = 3_000;

export interface HttpRound {
  readonly textsPerSecond: number;
  /** Of each request that was answered within the time. */
  readonly milliseconds: readonly number[];
}

/** Clients that each send one text a request, the next when the last is answered, on a connection that they keep. */
export class HttpLoad {
  #next = 0;

  constructor(
    private readonly server: RunningServer,
    private readonly texts: readonly string[],
    private readonly clients: number,
  ) {}

  /** The vector of each text, eight at a time. @throws where a request fails. */
  async vectors(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const vectors: Float32Array[] = [];
    let at = 0;
    await withAgents(8, async (agent) => {
      while (at < texts.length) {
        const i = at++;
        vectors[i] = decodeVector((await this.#ask(agent, texts[i] ?? '')).embedding);
      }
    });
    return vectors;
  }

  /** @throws where a request fails. */
  async round(): Promise<HttpRound> {
    const from = performance.now() + RAMP_MS;
    const to = from + WINDOW_MS;
    const milliseconds: number[] = [];
    await withAgents(this.clients, async (agent) => {
      while (performance.now() < to) {
        const text = this.texts[this.#next++ % this.texts.length] ?? '';
        const answer = await this.#ask(agent, text);
        const now = performance.now();
        if (now >= from && now < to) milliseconds.push(answer.milliseconds);
      }
    });
    // What is still in a queue of the server is not the next one's.
    await pause(100);
    return { textsPerSecond: (1_000 * milliseconds.length) / WINDOW_MS, milliseconds };
  }

  async #ask(agent: Agent, text: string): Promise<{ readonly embedding: string; readonly milliseconds: number }> {
    const { url, model } = this.server;
    const { status, body, milliseconds } = await call(agent, url, { model, input: [text], encoding_format: 'base64' });
    if (status !== 200) throw new Error(`${url} answered ${status}: ${body.slice(0, 200)}`);
    const [first] = answerSchema.parse(JSON.parse(body)).data;
    return { embedding: first?.embedding ?? '', milliseconds };
  }
}

async function withAgents(clients: number, use: (agent: Agent) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        await use(agent);
      } finally {
        agent.destroy();
      }
    }),
  );
}
