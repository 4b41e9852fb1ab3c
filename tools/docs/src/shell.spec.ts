import { setTimeout as delay } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { expect, it } from '@jest/globals';
import { cleanEnvironment, Shell } from './shell.js';

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('ends what a script left in the background, at its close', async () => {
  const shell = new Shell(tmpdir(), cleanEnvironment());
  const { code, stdout } = await shell.run('sleep 300 > /dev/null 2>&1 & echo $!', 10_000);
  const pid = Number(stdout);
  expect([code, pid > 0, lives(pid)]).toEqual([0, true, true]);
  await shell.close();
  for (let attempt = 0; lives(pid) && attempt < 100; attempt++) await delay(50);
  expect(lives(pid)).toBe(false);
});
