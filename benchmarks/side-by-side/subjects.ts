import { percentile } from '../machine.js';
import type { Cell } from './cells.js';
import { HttpLoad } from './http-load.js';
import { PeerProcess } from './peer-process.js';
import type { System, SystemContext } from './systems.js';

/** One system, started for one cell. */
export interface Subject {
  readonly pid: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly loadSeconds: number;
  /** The first call, which warms it up: vectors of the texts that are compared. */
  first(): Promise<readonly Float32Array[]>;
  round(): Promise<Round>;
  close(): Promise<void>;
}

export interface Round {
  /** Texts a second, or milliseconds of one text. */
  readonly value: number;
  readonly p95?: number;
  readonly texts: number;
}

/** What takes longer for one call is missing: a large model in a precision that the processor has to emulate. */
const PATIENCE_SECONDS = { minilm: 120, large: 900 } as const;
/** Texts whose vectors are compared over HTTP. */
const COMPARED = 64;

/** @throws MissingSystemError where it cannot be measured here. */
export async function startSubject(system: System, context: SystemContext, texts: readonly string[]): Promise<Subject> {
  return context.cell.kind === 'http' ? startServer(system, context, texts) : startLibrary(system, context, texts);
}

/** The texts of a cell whose vectors are compared. */
export function comparedTexts(cell: Cell, texts: readonly string[]): readonly string[] {
  return cell.kind === 'http' ? texts.slice(0, COMPARED) : texts;
}

async function startLibrary(system: System, context: SystemContext, texts: readonly string[]): Promise<Subject> {
  if (system.library === undefined) throw new Error(`${system.name} is no library`);
  const patienceSeconds = PATIENCE_SECONDS[context.cell.model];
  const { peer, versions, loadSeconds } = await PeerProcess.open({
    ...(await system.library(context)),
    patienceSeconds,
  });
  const bulk = async (): Promise<Round> => {
    const { seconds } = await peer.bulk(texts);
    return { value: texts.length / seconds, texts: texts.length };
  };
  const alone = async (): Promise<Round> => {
    const milliseconds = await peer.alone(texts);
    return { value: percentile(milliseconds, 0.5), p95: percentile(milliseconds, 0.95), texts: texts.length };
  };
  const isAlone = context.cell.kind === 'alone';
  return {
    pid: peer.pid,
    versions,
    loadSeconds,
    first: async () => (await peer.bulk(texts, { vectors: true })).vectors,
    round: () => (isAlone ? alone() : bulk()),
    close: () => peer.close(),
  };
}

async function startServer(system: System, context: SystemContext, texts: readonly string[]): Promise<Subject> {
  const { cell, peers } = context;
  if (system.server === undefined || cell.kind !== 'http') throw new Error(`${system.name} is no server`);
  const start = await system.server(context);
  const started = performance.now();
  const server = await start();
  const loadSeconds = (performance.now() - started) / 1000;
  const load = new HttpLoad(server, texts, cell.clients);
  const round = async (): Promise<Round> => {
    const { textsPerSecond, milliseconds } = await load.round();
    return { value: textsPerSecond, p95: percentile(milliseconds, 0.95), texts: milliseconds.length };
  };
  return {
    pid: server.pid,
    versions: peers.versions(system.name),
    loadSeconds,
    first: async () => {
      const vectors = await load.vectors(comparedTexts(cell, texts));
      await round();
      return vectors;
    },
    round,
    close: () => server.stop(),
  };
}
