import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const OPENERS = {
  openOnnxBackend: 'await openOnnxBackend({ folder })',
  openMeasuredBackend: 'await openMeasuredBackend(folder)',
} as const;

/** Runs a program on the built package in a home of its own. @returns what is in the home after it. */
async function homeAfter(opener: keyof typeof OPENERS): Promise<readonly string[]> {
  const home = await mkdtemp(join(tmpdir(), 'kimera-home-'));
  const environment: NodeJS.ProcessEnv = { ...process.env, HOME: home };
  delete environment['ORT_DISABLE_TELEMETRY'];
  delete environment['XDG_CACHE_HOME'];
  const program = `(async () => {
    const { openModelFolder } = await import('@kimera/model-folder');
    const { ${opener} } = await import('@kimera/backend-onnx');
    const folder = await openModelFolder(${JSON.stringify(join(root, 'fixtures/models/bge-m3-tiny'))});
    const backend = ${OPENERS[opener]};
    await backend.close();
  })()`;
  try {
    await promisify(execFile)(process.execPath, ['--eval', program], {
      cwd: join(root, 'packages/backend-onnx'),
      env: environment,
    });
    return await readdir(home, { recursive: true });
  } finally {
    await rm(home, { recursive: true });
  }
}

it.each(Object.keys(OPENERS) as (keyof typeof OPENERS)[])(
  '%s leaves nothing of ONNX Runtime’s telemetry in the home of the user',
  async (opener) => {
    expect(await homeAfter(opener)).toEqual([]);
  },
);
