import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { databaseFindings } from './doctor/database-findings.js';
import { ended, killKimeras, kimera, startKimera } from './run-kimera.fixture.js';

jest.setTimeout(120_000);
const SECRET = 'TopSecret1';

let folder = '';
/** Takes connections and says nothing. */
let silent: Server;
let connected: Promise<Socket>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kimera-password-'));
  silent = createServer();
  connected = new Promise((resolve) => silent.once('connection', resolve));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  killKimeras();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

const withProcesses = existsSync('/proc/self/cmdline') ? it : it.skip;
withProcesses(
  'a password on the command line is not seen in the list of processes, nor in what is printed',
  async () => {
    const { port } = silent.address() as AddressInfo;
    const database = `postgres://me:${SECRET}@127.0.0.1:${port}/d?sslmode=disable`;
    const child = startKimera(['migrate', 'status', '--database', database, '--collection', 'docs'], folder);
    const run = ended(child);
    const socket = await connected;
    expect(readFileSync(`/proc/${String(child.pid)}/cmdline`, 'latin1')).not.toContain(SECRET);
    socket.destroy();
    const { code, stdout, stderr } = await run;
    expect(code).toBe(1);
    expect(stderr).toContain(`postgres://me@127.0.0.1:${port}/d is not available`);
    expect(`${stdout}${stderr}`).not.toContain(SECRET);
  },
);

it.each([
  `postgress://me:${SECRET}@h/d`,
  `host=h pasword=${SECRET}`,
  `me:${SECRET}@h`,
  `postgres://me:${SECRET}/x@h/d`,
])('an address that is none makes nothing and is not repeated: %s', async (database) => {
  for (const words of [
    ['migrate', 'init', '--collection', 'docs', '--rows', '-'],
    ['migrate', 'status', '--collection', 'docs'],
  ]) {
    const { code, stdout, stderr } = await kimera([...words, '--database', database], folder);
    expect(code).not.toBe(0);
    expect(`${stdout}${stderr}`).not.toContain(SECRET);
  }
  expect(JSON.stringify(await databaseFindings(database, { folder }))).not.toContain(SECRET);
  expect(readdirSync(folder)).toEqual([]);
});
