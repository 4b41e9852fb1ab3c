import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { INT8_SELF_TEST } from './int8-self-test.js';
import { NativeRuntimeError } from './native-runtime-error.js';

const probeSchema = z.object({ version: z.string(), executionProviders: z.array(z.string()), exactInt8: z.boolean() });

/** What the native runtime of this machine is. */
export type NativeProbe = z.infer<typeof probeSchema>;

/** Milliseconds: it takes a fifth of a second, and seconds on a machine that is busy. */
const TIMEOUT = 60_000;

let known: Promise<NativeProbe | undefined> | undefined;

/**
 * Runs a small graph in a process of its own, once for this process where it went well. Undefined where no process may be started: then nothing is known.
 * @throws NativeRuntimeError.
 */
export function probeNative(): Promise<NativeProbe | undefined> {
  known ??= run().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

function run(): Promise<NativeProbe | undefined> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [fileURLToPath(new URL('./native-probe.mjs', import.meta.url)), INT8_SELF_TEST], { timeout: TIMEOUT, env: process.env }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(probeSchema.parse(JSON.parse(stdout)));
        return;
      }
      // EACCES, EPERM, EAGAIN: the process was not even started.
      if (typeof error.code === 'string' && !error.killed) resolve(undefined);
      else reject(new NativeRuntimeError(error.signal === null || error.signal === undefined ? lastError(stderr) : `the process that loaded it ended by ${error.signal}`));
    });
  });
}

/** Of what Node prints about an error that nobody caught. */
function lastError(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^(\w*Error|Error)\b.*:/.test(line)) ?? lines.find((line) => line !== '') ?? 'it ended without a word';
}
