import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { FrameReader } from './frame-reader.js';
import {
  CANCEL_REQUEST,
  cStrings,
  errorResponse,
  frame,
  GSS_REQUEST,
  int32,
  PROTOCOL_3,
  readyForQuery,
  simpleQuery,
  SSL_REQUEST,
} from './frames.js';
import { extendedQuery, greeting, RawClient } from './raw-client.fixture.js';
import { WireServer } from './wire-server.js';

const PASSWORD = 'correct horse';
/** What arrives at the database: each group as the SQL in it and the types of its messages. */
let groups: { readonly types: string; readonly text: string }[] = [];
let release: (() => void) | undefined;
const open: (() => unknown)[] = [];

afterEach(async () => {
  release?.();
  for (const close of open.splice(0).reverse()) await close();
  groups = [];
  release = undefined;
});

/** A database of few words: BEGIN, COMMIT, ROLLBACK, `fail`, `die`, `wait` (for `release`); all else succeeds. */
async function server(idleMilliseconds = 60_000): Promise<number> {
  let status: 'I' | 'T' | 'E' = 'I';
  const execute = async (messages: Buffer): Promise<Buffer> => {
    const reader = new FrameReader();
    reader.trust();
    reader.push(messages);
    let [types, text] = ['', ''];
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      types += next.type;
      if (next.type === 'Q' || next.type === 'P') text += next.body.toString('utf8').replaceAll('\0', '').trim();
    }
    groups.push({ types, text });
    if (text === 'die') throw new Error('out of memory');
    if (text === 'silent') return Buffer.alloc(0);
    if (text === 'wait') await new Promise<void>((resolve) => (release = resolve));
    if (text === 'BEGIN') status = 'T';
    else if (text === 'COMMIT' || text === 'ROLLBACK') status = 'I';
    else if (text === 'fail') {
      status = status === 'I' ? 'I' : 'E';
      return Buffer.concat([errorResponse('ERROR', '42601', 'no such thing'), readyForQuery(status)]);
    }
    return Buffer.concat([frame('C', cStrings(text)), readyForQuery(status)]);
  };
  const listening = await WireServer.listen(
    { execute, password: PASSWORD, parameters: { server_version: '18.6' }, idleMilliseconds },
    0,
  );
  open.push(() => listening.close());
  return listening.port;
}
async function client(port: number): Promise<RawClient> {
  const raw = await RawClient.login(port, PASSWORD);
  open.push(() => raw.end());
  return raw;
}
const texts = (): readonly string[] => groups.map(({ text }) => text);
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
const ask = async (raw: RawClient, sql: string): Promise<string> => {
  raw.send(simpleQuery(sql));
  return (await raw.until('Z')).at(-1)?.body.toString() ?? '';
};

describe('WireServer', () => {
  it('serves node-postgres', async () => {
    const port = await server();
    const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'someone', password: PASSWORD, database: 'any', max: 3 });
    // Its connections end after `end` has resolved, and may still hear that the server closes.
    pool.on('error', () => undefined);
    await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 2 === 0 ? pool.query(`simple ${i}`) : pool.query(`extended $1 ${i}`, [i]),
      ),
    );
    expect(groups.length).toBe(12);
    expect(new Set(groups.map(({ types }) => types))).toEqual(new Set(['Q', 'PBDEfS']));
    await expect(pool.query('fail')).rejects.toMatchObject({ code: '42601' });
    await expect(pool.query('fine')).resolves.toMatchObject({ command: 'fine' });
    await pool.end();
  });

  it('refuses a wrong password, and runs nothing for it', async () => {
    const port = await server();
    for (const password of ['', 'wrong', `${PASSWORD}x`]) {
      const raw = await RawClient.connect(port);
      raw.send(
        Buffer.concat([
          greeting(PROTOCOL_3, cStrings('user', 'x', '')),
          frame('p', cStrings(password)),
          simpleQuery('steal'),
        ]),
      );
      expect(await raw.error()).toMatchObject({ S: 'FATAL', C: '28P01' });
    }
    const impatient = await RawClient.connect(port);
    impatient.send(Buffer.concat([greeting(PROTOCOL_3, cStrings('user', 'x', '')), simpleQuery('steal')]));
    expect(await impatient.error()).toMatchObject({ C: '28P01' });
    expect(texts().includes('steal')).toBe(false);
  });

  it('answers requests for encryption with no, and goes on', async () => {
    const port = await server();
    for (const code of [SSL_REQUEST, GSS_REQUEST]) {
      const raw = await RawClient.connect(port);
      const answer = new Promise<string>((resolve) =>
        raw.socket.prependOnceListener('data', (chunk: Buffer) => resolve(chunk.toString('latin1', 0, 1))),
      );
      raw.send(greeting(code, Buffer.alloc(0)));
      expect(await answer).toBe('N');
      raw.end();
    }
    const cancelling = await RawClient.connect(port);
    cancelling.send(greeting(CANCEL_REQUEST, Buffer.concat([int32(1), int32(2)])));
    expect(await cancelling.until('E')).toEqual([]);
  });

  it('refuses other protocols and messages that are too long or too short', async () => {
    const port = await server();
    const refusals: readonly (readonly [Buffer, string])[] = [
      [greeting(2 << 16, Buffer.alloc(0)), 'protocol 2.0'],
      [Buffer.concat([int32(20_000), int32(PROTOCOL_3)]), 'longer than 10000'],
      [int32(3), 'shorter than its length field'],
    ];
    for (const [bytes, message] of refusals) {
      const raw = await RawClient.connect(port);
      raw.send(bytes);
      expect(await raw.error()).toMatchObject({ S: 'FATAL', C: '08P01', M: expect.stringContaining(message) });
    }
    const strange = await client(port);
    strange.send(frame('F', Buffer.alloc(4)));
    expect(await strange.error()).toMatchObject({ S: 'FATAL', C: '08P01' });
  });

  it('hands over whole groups, however the messages of two clients arrive', async () => {
    const port = await server();
    const [a, b] = [await client(port), await client(port)];
    const [first, ...rest] = extendedQuery('of a');
    a.send(first ?? Buffer.alloc(0));
    b.send(Buffer.concat([...extendedQuery('of b')]));
    await b.until('Z');
    a.send(Buffer.concat(rest));
    await a.until('Z');
    expect(groups).toEqual([
      { types: 'PBDEfS', text: 'of b' },
      { types: 'PBDEfS', text: 'of a' },
    ]);
  });

  it('reads the same groups wherever the bytes are cut', async () => {
    const port = await server();
    const raw = await client(port);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ maxLength: 20 }).map((text) => `q${text.replaceAll('\0', '')}`),
          { minLength: 1, maxLength: 5 },
        ),
        fc.array(fc.nat(400), { maxLength: 6 }),
        async (statements, cuts) => {
          groups = [];
          const bytes = Buffer.concat(
            statements.flatMap((sql, i) => (i % 2 === 0 ? [simpleQuery(sql)] : extendedQuery(sql))),
          );
          const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((x, y) => x - y), bytes.length];
          for (const [i, place] of places.entries()) raw.send(bytes.subarray(place, places[i + 1] ?? place));
          for (const [] of statements.entries()) await raw.until('Z');
          expect(texts()).toEqual(statements.map((sql) => sql.trim()));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('lets a transaction have the database to itself', async () => {
    const port = await server();
    const [a, b] = [await client(port), await client(port)];
    expect(await ask(a, 'BEGIN')).toBe('T');
    const waiting = ask(b, 'of b');
    expect(await ask(a, 'fail')).toBe('E');
    expect(await ask(a, 'still a')).toBe('E');
    expect(await ask(a, 'ROLLBACK')).toBe('I');
    expect(await waiting).toBe('I');
    expect(texts()).toEqual(['BEGIN', 'fail', 'still a', 'ROLLBACK', 'of b']);
  });

  it('rolls back for a client that goes away, and drops what it waited for', async () => {
    const port = await server();
    const [a, b, c] = [await client(port), await client(port), await client(port)];
    await ask(a, 'BEGIN');
    c.send(simpleQuery('of c, which leaves'));
    const waiting = ask(b, 'of b');
    await delay(20);
    c.end();
    await delay(20);
    a.end();
    expect(await waiting).toBe('I');
    expect(texts().filter((text) => text.startsWith('of c'))).toEqual([]);
    expect(texts().slice(0, 2)).toEqual(['BEGIN', 'ROLLBACK']);
  });

  it('rolls back where the client goes away while its BEGIN runs', async () => {
    const port = await server();
    const [a, b] = [await client(port), await client(port)];
    const busy = ask(b, 'wait');
    await eventually(() => release !== undefined);
    a.send(simpleQuery('BEGIN'));
    a.socket.end();
    await delay(20);
    release?.();
    await busy;
    expect(await ask(b, 'of b')).toBe('I');
  });

  it('sends away a client that holds a transaction and sleeps', async () => {
    const port = await server(30);
    const [a, b] = [await client(port), await client(port)];
    await ask(a, 'BEGIN');
    const waiting = ask(b, 'of b');
    expect(await a.error()).toMatchObject({ S: 'FATAL', C: '25P03' });
    expect(await waiting).toBe('I');
  });

  it('refuses named statements and Flush, since the session is shared, and goes on after Sync', async () => {
    const port = await server();
    const raw = await client(port);
    for (const bytes of [
      Buffer.concat([...extendedQuery('mine', 'my statement')]),
      Buffer.concat([frame('H', Buffer.alloc(0)), frame('S', Buffer.alloc(0))]),
    ]) {
      raw.send(bytes);
      expect(await raw.error()).toMatchObject({ S: 'ERROR', C: '0A000' });
      expect((await raw.until('Z')).map(({ type }) => type)).toEqual(['C', 'Z']);
    }
    expect(groups).toEqual([
      { types: 'S', text: '' },
      { types: 'S', text: '' },
    ]);
    expect(await ask(raw, 'fine')).toBe('I');
  });

  it('puts an end to a COPY that would read for ever', async () => {
    const raw = await client(await server());
    await ask(raw, 'Copy t from stdin');
    await ask(raw, 'select 1');
    raw.send(Buffer.concat([frame('d', Buffer.from('1\n')), frame('c', Buffer.alloc(0)), simpleQuery('after')]));
    await raw.until('Z');
    expect(groups.map(({ types }) => types)).toEqual(['Qf', 'Q', 'Q']);
  });

  it('tells the client where the database itself ends', async () => {
    const port = await server();
    for (const sql of ['die', 'silent']) {
      const raw = await client(port);
      raw.send(simpleQuery(sql));
      expect(await raw.error()).toMatchObject({ S: 'FATAL', C: '57P02' });
    }
  });

  it('sends all clients away when it closes', async () => {
    const port = await server();
    const raw = await client(port);
    await ask(raw, 'BEGIN');
    await open.shift()?.();
    expect(await raw.error()).toMatchObject({ S: 'FATAL', C: '57P01' });
    expect(texts()).toEqual(['BEGIN', 'ROLLBACK']);
  });
});
