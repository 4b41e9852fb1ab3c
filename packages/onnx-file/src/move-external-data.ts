import { InvalidOnnxError } from './errors.js';
import { type ByteRange, type ByteSource, type ProtobufField, ProtobufReader } from './protobuf-reader.js';
import { ProtobufWriter } from './protobuf-writer.js';

/** Bytes of the file beside a graph. */
export interface ExternalPlace {
  readonly offset: number;
  readonly length: number;
}

type Message = 'model' | 'graph' | 'node' | 'attribute' | 'tensor';

/** Fields that lead to tensors (onnx.proto of ONNX 1.19). */
const FIELDS: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 11: 'graph' },
  tensor: {},
};
/** `name` of a tensor, and its `external_data`: pairs of key (1) and value (2). */
const NAME = 8;
const EXTERNAL_DATA = 13;
/**
 * Keys of packed forms that ONNX Runtime 1.30 writes beside a tensor's own bytes: `name|offset;length;checksum`, with more
 * places behind further bars.
 */
const PACKED = 'prepacked_';

/**
 * A graph whose tensors lie elsewhere in the file beside it: what a tensor has there, and its packed forms. Of tensors that a
 * graph lists twice by one name the last is kept: ONNX Runtime 1.30 writes those of an `If` so, and does not load them. All
 * else stays as it is.
 * @param newOffset of what lies at a place now. @throws InvalidOnnxError.
 */
export function moveExternalData(graph: Uint8Array, newOffset: (place: ExternalPlace) => number): Uint8Array {
  const mover = new Mover(graph, newOffset);
  return mover.moved('model', { start: 0, end: graph.length }).finish();
}

class Mover {
  readonly #bytes: Uint8Array;
  readonly #reader: ProtobufReader;
  readonly #newOffset: (place: ExternalPlace) => number;

  constructor(bytes: Uint8Array, newOffset: (place: ExternalPlace) => number) {
    const source: ByteSource = {
      byteAt: (position) => bytes[position] ?? -1,
      read: (position, length) => Buffer.from(bytes.subarray(position, position + length)),
    };
    this.#bytes = bytes;
    this.#newOffset = newOffset;
    this.#reader = new ProtobufReader(source, fail);
  }

  moved(message: Message, range: ByteRange): ProtobufWriter {
    const writer = new ProtobufWriter();
    const entries = message === 'tensor' ? this.#entries(range) : new Map<string, string>();
    const listed = message === 'graph' ? this.#lastOfEachName(range) : undefined;
    let at = range.start;
    for (const field of this.#reader.fields(range)) {
      const child = FIELDS[message][field.number];
      const isListedAgain = child === 'tensor' && listed?.has(field.start) === false;
      if (isListedAgain) {
        at = field.end;
        continue;
      }
      if (child !== undefined) writer.message(field.number, this.moved(child, this.#reader.bytes(field)));
      else if (entries.size > 0 && field.number === EXTERNAL_DATA)
        writer.message(EXTERNAL_DATA, this.#entry(field, entries));
      else writer.encoded(this.#bytes.subarray(at, field.end));
      at = field.end;
    }
    return writer;
  }

  /** Where the tensors of a graph start. */
  #lastOfEachName(graph: ByteRange): ReadonlySet<number> {
    const starts = new Map<string, number>();
    for (const field of this.#reader.fields(graph)) {
      if (FIELDS.graph[field.number] !== 'tensor') continue;
      for (const part of this.#reader.fields(this.#reader.bytes(field)))
        if (part.number === NAME) starts.set(this.#reader.text(part), field.start);
    }
    return new Set(starts.values());
  }

  #entries(tensor: ByteRange): ReadonlyMap<string, string> {
    const fields = [...this.#reader.fields(tensor)].filter(({ number }) => number === EXTERNAL_DATA);
    return new Map(fields.map((field) => this.#pair(field)));
  }

  #pair(field: ProtobufField): readonly [string, string] {
    const texts = ['', ''];
    for (const part of this.#reader.fields(this.#reader.bytes(field))) texts[part.number - 1] = this.#reader.text(part);
    const [key = '', value = ''] = texts;
    return [key, value];
  }

  #entry(field: ProtobufField, entries: ReadonlyMap<string, string>): ProtobufWriter {
    const [key, value] = this.#pair(field);
    return new ProtobufWriter().string(1, key).string(2, this.#value(key, value, entries));
  }

  #value(key: string, value: string, entries: ReadonlyMap<string, string>): string {
    if (key === 'offset') return this.#move(value, entries.get('length'));
    if (!key.startsWith(PACKED)) return value;
    const [name = '', ...places] = value.split('|');
    const moved = places.map((place) => {
      const [offset, length, ...rest] = place.split(';');
      return [this.#move(offset, length), length, ...rest].join(';');
    });
    return [name, ...moved].join('|');
  }

  #move(offset: string | undefined, length: string | undefined): string {
    return String(this.#newOffset({ offset: whole(offset), length: whole(length) }));
  }
}

function whole(text: string | undefined): number {
  const value = Number(text);
  return text !== undefined && /^\d+$/.test(text) && Number.isSafeInteger(value)
    ? value
    : fail(`"${text ?? ''}" as a place in the file of its tensors, expected 0 to 2^53 - 1`);
}

function fail(reason: string): never {
  throw new InvalidOnnxError('a graph', reason);
}
