import { setTimeout as pause } from 'node:timers/promises';
import { cosine } from '@kimera/core';
import type { Cell } from './cells.js';
import { MissingSystemError } from './peer-process.js';
import { availableBytes, usageOf } from './process-usage.js';
import type { CellResult, SystemResult } from './results.js';
import { comparedTexts, startSubject, type Subject } from './subjects.js';
import { SYSTEMS, takesPart, type System, type SystemContext } from './systems.js';

export interface RunCellOptions {
  readonly texts: readonly string[];
  readonly systems: readonly System[];
  readonly rounds: number;
  readonly machine: readonly string[];
  readonly say: (text: string) => void;
}

/** A system that takes so many times as long as the reference is measured in the first round only. */
const TOO_SLOW = 6;
/** Memory that must be free before a system is started beside the others. */
const NEEDED_BYTES = { minilm: 1.5e9, large: 4e9 } as const;

/** What is measured of one system. */
interface Measured {
  readonly system: System;
  readonly result: SystemResult;
  readonly subject?: Subject;
  /** Processor seconds of its rounds, and their texts. */
  readonly cpu: { seconds: number; texts: number };
}

/** All systems that take part, in turn, round by round: what disturbs the machine disturbs all of them. */
export async function runCell(
  context: SystemContext,
  { texts, systems, rounds, machine, say }: RunCellOptions,
): Promise<CellResult> {
  const { cell } = context;
  const unit = cell.kind === 'alone' ? 'ms' : 'texts/s';
  const reference = await referenceVectors(context, texts);
  const all: Measured[] = [];
  try {
    for (const system of systems.filter((one) => takesPart(one, cell))) {
      say(`${cell.name}: ${system.title}`);
      all.push(await start(system, context, texts, reference));
    }
    let turns = all.filter(({ subject }) => subject !== undefined);
    for (let round = 0; round < rounds; round++) {
      say(`${cell.name}: round ${round + 1} of ${rounds}`);
      // Another one begins each round.
      for (const [i] of turns.entries()) await takeTurn(turns[(i + round) % turns.length]);
      if (round === 0) turns = withoutSlow(turns, cell);
    }
    all.forEach(addUsage);
  } finally {
    for (const { subject } of all) await subject?.close();
  }
  const tokens = (cell.texts.tokens[0] + cell.texts.tokens[1]) / 2;
  return {
    cell: cell.name,
    title: cell.title,
    unit,
    reference: cell.reference,
    tokens,
    date: new Date().toISOString(),
    machine: [...machine],
    systems: all.map(({ result }) => result),
  };
}

/** By sentence-transformers in float32; none where it is not installed. */
async function referenceVectors(context: SystemContext, texts: readonly string[]): Promise<readonly Float32Array[]> {
  const system = SYSTEMS.find(({ name }) => name === 'st-fp32');
  if (system === undefined) return [];
  // The same model as a library, whatever the cell is about.
  const { name, title, model, reference, texts: counts } = context.cell;
  const cell: Cell = { name, title, model, reference, texts: counts, kind: 'bulk' };
  try {
    const subject = await startSubject(system, { ...context, cell }, comparedTexts(context.cell, texts));
    try {
      return await subject.first();
    } finally {
      await subject.close();
    }
  } catch (error) {
    if (error instanceof MissingSystemError) return [];
    throw error;
  }
}

async function start(
  system: System,
  context: SystemContext,
  texts: readonly string[],
  reference: readonly Float32Array[],
): Promise<Measured> {
  const { name, title } = system;
  const result: SystemResult = { name, title, versions: {}, values: [], p95: [], onlyFirst: false };
  const cpu = { seconds: 0, texts: 0 };
  const needed = NEEDED_BYTES[context.cell.model];
  if (availableBytes() < needed) {
    const missing = `${gigabytes(availableBytes())} GB of memory were free beside the others, ${gigabytes(needed)} are needed`;
    return { system, result: { ...result, missing }, cpu };
  }
  let subject: Subject | undefined;
  try {
    subject = await startSubject(system, context, texts);
    const vectors = await subject.first();
    result.versions = { ...subject.versions };
    result.loadSeconds = subject.loadSeconds;
    const cosines = vectors.flatMap((vector, i) => {
      const expected = reference[i];
      return expected === undefined ? [] : [cosine(vector, expected)];
    });
    if (cosines.length > 0) result.leastCosine = Math.min(...cosines);
    return { system, result, subject, cpu };
  } catch (error) {
    await subject?.close();
    if (!(error instanceof MissingSystemError)) throw error;
    return { system, result: { ...result, missing: error.message }, cpu };
  }
}

/** Those that go on after the first round: what all are compared with does in any case. */
function withoutSlow(all: readonly Measured[], { kind, reference }: Cell): Measured[] {
  const turns = all.filter(({ result }) => result.missing === undefined);
  const speed = ({ result }: Measured): number => {
    const [value = 1] = result.values;
    return kind === 'alone' ? 1 / value : value;
  };
  const yardstick = turns.find(({ system }) => system.name === reference);
  const speedOfMost = yardstick === undefined ? Math.max(...turns.map(speed)) : speed(yardstick);
  for (const measured of turns) measured.result.onlyFirst = speed(measured) * TOO_SLOW < speedOfMost;
  return turns.filter(({ result }) => !result.onlyFirst);
}

async function takeTurn(measured: Measured | undefined): Promise<void> {
  if (measured?.subject === undefined || measured.result.missing !== undefined) return;
  const { subject, result, cpu } = measured;
  const before = usageOf(subject.pid)?.cpuSeconds ?? 0;
  const round = await subject.round().catch((error: unknown) => {
    if (!(error instanceof MissingSystemError)) throw error;
    result.missing = error.message;
    result.values = [];
  });
  if (round === undefined) return;
  const { value, p95, texts } = round;
  result.values.push(value);
  if (p95 !== undefined) result.p95.push(p95);
  cpu.seconds += (usageOf(subject.pid)?.cpuSeconds ?? 0) - before;
  cpu.texts += texts;
  // Threads that spin for more work go to sleep.
  await pause(50);
}

function addUsage({ subject, result, cpu }: Measured): void {
  const usage = subject === undefined ? undefined : usageOf(subject.pid);
  if (usage === undefined) return;
  result.privateBytes = usage.privateBytes;
  result.proportionalBytes = usage.proportionalBytes;
  if (cpu.texts > 0) result.cpuSecondsPerText = cpu.seconds / cpu.texts;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
