import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { isStaticFolder } from '@kimera/backend-light';
import type { VariantName } from '@kimera/core';
import { openModelFolder } from '@kimera/model-folder';
import { z } from 'zod';
import { TOOL_FILE } from '../assets.js';
import type { CommandContext } from '../console/command-context.js';
import { UsageError } from '../errors.js';
import { parseTextLine } from '../lines/parse-text-line.js';
import {
  benchMachine,
  benchModel,
  benchResultSchema,
  machineSchema,
  stopped,
  type BenchMachine,
  type BenchResult,
} from './bench-model.js';
import { BENCH_TEXTS } from './bench-texts.js';

/** A precision that could not be timed. */
export interface BenchFailure {
  readonly path: string;
  readonly variant?: VariantName;
  readonly error: { readonly code: string; readonly message: string };
}

export interface BenchDocument {
  readonly machine: BenchMachine;
  readonly models: readonly (BenchResult | BenchFailure)[];
}

export interface BenchFoldersOptions {
  /** Model folders. */
  readonly paths: readonly string[];
  /** Default: each that a folder has. */
  readonly variant?: VariantName | undefined;
  /** {"text": …} lines. */
  readonly textsPath?: string | undefined;
  readonly threads?: number | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

interface Target {
  readonly path: string;
  readonly variant?: VariantName;
}

const childSchema = z.union([
  z.object({ machine: machineSchema, models: z.tuple([benchResultSchema]) }),
  z.object({ error: z.object({ code: z.string(), message: z.string() }) }),
]);

/**
 * Each precision of each folder, one after the other; where there are several, each in a process of its own, so that
 * memory and start are its own.
 * @throws UsageError where the texts cannot be used, StoppedError, the folders' errors, and of a single precision its own.
 */
export async function benchFolders(context: CommandContext, options: BenchFoldersOptions): Promise<BenchDocument> {
  const { paths, variant, textsPath, threads = availableParallelism(), onProgress } = options;
  const texts = textsPath === undefined ? BENCH_TEXTS : await readTexts(textsPath);
  const targets = (await Promise.all(paths.map((path) => targetsOf(path, variant)))).flat();
  const [only, ...others] = targets;
  if (only !== undefined && others.length === 0)
    return { machine: benchMachine(), models: [await benchModel(context, { ...only, texts, threads, onProgress })] };
  const models: (BenchResult | BenchFailure)[] = [];
  for (const target of targets) {
    if (context.stop.aborted) throw stopped();
    onProgress(models.length, targets.length);
    models.push(
      await benchApart(context, target, [
        ...(textsPath === undefined ? [] : ['--texts', textsPath]),
        '--threads',
        String(threads),
      ]),
    );
  }
  return { machine: benchMachine(), models };
}

/** @throws the folder's errors. */
async function targetsOf(path: string, variant: VariantName | undefined): Promise<readonly Target[]> {
  if (variant !== undefined) return [{ path, variant }];
  if (await isStaticFolder(path)) return [{ path }];
  const { file } = await openModelFolder(path);
  return file.variants.map(({ name }) => ({ path, variant: name }));
}

/** In a process of its own. @throws StoppedError. */
async function benchApart(
  { stop, environment, folder }: CommandContext,
  target: Target,
  options: readonly string[],
): Promise<BenchResult | BenchFailure> {
  const { path, variant } = target;
  const named = variant === undefined ? [] : ['--variant', variant];
  const child = spawn(process.execPath, [TOOL_FILE, 'models', 'bench', path, ...named, ...options, '--json'], {
    cwd: folder,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = (): void => void child.kill('SIGKILL');
  stop.addEventListener('abort', end);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const how = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(String(code ?? signal)));
  }).finally(() => stop.removeEventListener('abort', end));
  if (stop.aborted) throw stopped();
  const answer = childSchema.safeParse(parsed(text));
  if (!answer.success) return { ...target, error: { code: 'INTERNAL', message: `its process ended with ${how}` } };
  return 'error' in answer.data ? { ...target, error: answer.data.error } : answer.data.models[0];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function readTexts(path: string): Promise<readonly string[]> {
  const texts = (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((text, i) => {
      const line = parseTextLine({ text });
      if ('error' in line) throw new UsageError(`${path}, line ${i + 1}: ${line.error.message}`);
      return line.text;
    });
  if (texts.length === 0) throw new UsageError(`${path} has no texts`);
  return texts;
}
