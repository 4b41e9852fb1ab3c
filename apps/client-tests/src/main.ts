import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { contractOf, ROOT } from './contract.js';
import { LANGUAGES, run, type Language } from './languages.js';
import { startServers } from './servers.js';

/*
 * nx run client-tests [--only=python,go,java] [--folder=DIR]: client libraries of other languages against a server, and a
 * table. They are installed into a folder that is kept, some 1.2 GB in all. A tool chain that is not here is named, and
 * not counted.
 */

const outcomeSchema = z.object({
  client: z.string(),
  case: z.string(),
  status: z.enum(['passed', 'failed']),
  detail: z.string().optional(),
});
type Outcome = z.infer<typeof outcomeSchema>;

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, folder: { type: 'string' }, json: { type: 'string' } },
});
const scratch =
  options.folder ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kimera', 'client-tests');
const wanted = options.only?.split(',') ?? LANGUAGES.map(({ name }) => name);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function outcomesOf(language: Language, contractFile: string): Promise<readonly Outcome[]> {
  const folder = join(scratch, language.name);
  mkdirSync(folder, { recursive: true });
  const command = await language.prepare(join(ROOT, 'apps/client-tests/clients', language.name), folder);
  const argument = (command.contract ?? '{}').replace('{}', contractFile);
  const printed = await run({ ...command, words: [...command.words, argument] });
  // Maven prints control sequences before the first.
  const lines = printed
    .split('\n')
    .flatMap((line) => /\{".*/.exec(line)?.map((json): unknown => JSON.parse(json)) ?? []);
  const outcomes = lines.slice(0, -1).map((line) => outcomeSchema.parse(line));
  const { cases } = z.object({ cases: z.number() }).parse(lines.at(-1));
  // A line that was lost is a case that nobody saw.
  if (cases === 0 || cases !== outcomes.length) throw new Error(`${outcomes.length} outcomes of ${cases} cases`);
  return outcomes;
}

const servers = await startServers();
const outcomes: Outcome[] = [];
const absent: string[] = [];
try {
  mkdirSync(scratch, { recursive: true });
  const contractFile = join(scratch, `contract-${process.pid}.json`);
  writeFileSync(contractFile, JSON.stringify(contractOf(servers.url, servers.busy)));
  for (const language of LANGUAGES) {
    if (!wanted.includes(language.name)) continue;
    const here = await run({ words: language.probe, folder: scratch }).catch(() => undefined);
    if (here === undefined) {
      absent.push(language.name);
      continue;
    }
    say(`${language.name}: ${here.split('\n')[0] ?? ''}`);
    const some = await outcomesOf(language, contractFile).catch((error: unknown): readonly Outcome[] => [
      { client: language.name, case: 'start', status: 'failed', detail: String(error) },
    ]);
    outcomes.push(...some);
  }
} finally {
  await servers.close();
}

const clients = [...new Set(outcomes.map(({ client }) => client))];
const count = (client: string, status: Outcome['status']): number =>
  outcomes.filter((each) => each.client === client && each.status === status).length;
say('\n| client | passed | failed |\n| --- | --- | --- |');
for (const client of clients) say(`| ${client} | ${count(client, 'passed')} | ${count(client, 'failed')} |`);
const failed = outcomes.filter(({ status }) => status === 'failed');
if (failed.length > 0) say('');
for (const { client, case: name, detail } of failed) say(`failed: ${client}, ${name}: ${detail ?? ''}`);
for (const name of absent) say(`not run: ${name}, which is not installed here`);
say(`\n${outcomes.length - failed.length} passed, ${failed.length} failed`);
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ outcomes, absent }, null, 2));
process.exitCode = failed.length > 0 || outcomes.length === 0 ? 1 : 0;
