import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { rejection } from '@kimera/testing';
import { describeSettings, readConfigurationFile, withConfigurationFile } from './configuration-file.js';
import { parseConfiguration, SETTINGS } from './configuration.js';
import { ENVIRONMENT } from './environment.js';
import { ConfigurationFileError, UnknownSettingError } from './errors.js';

async function fileOf(text: string, name = 'kimera.yaml'): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'kimera-config-')), name);
  await writeFile(path, text);
  return path;
}

describe('a configuration file', () => {
  it('says what the environment says, in YAML and in JSON, in the form that suits each setting', async () => {
    const yaml = await fileOf(`
# comments are allowed
PORT: 8080
USE_ONNX: false
MAX_QUEUE_SECONDS: 2.5
KIMERA_API_KEYS: [one, two]
KIMERA_MODELS:
  - ./e5
  - /models/bge
KIMERA_MODEL_ALIASES:
  search: e5
  text-embedding-3-small: intfloat/multilingual-e5-small
HOST:
`);
    const json = await fileOf(
      JSON.stringify({
        PORT: '8080',
        USE_ONNX: '0',
        MAX_QUEUE_SECONDS: 2.5,
        KIMERA_API_KEYS: 'one,two',
        KIMERA_MODELS: './e5,/models/bge',
        KIMERA_MODEL_ALIASES: 'search=e5,text-embedding-3-small=intfloat/multilingual-e5-small',
      }),
      'kimera.json',
    );
    const [one, other] = await Promise.all(
      [yaml, json].map(async (path) => parseConfiguration(await readConfigurationFile(path), '/root')),
    );
    expect(one).toEqual(other);
    expect(one).toMatchObject({
      port: 8080,
      useOnnx: false,
      maxQueueSeconds: { interactive: 2.5, bulk: 2.5 },
      apiKeys: [{ scopes: ['admin'] }, { scopes: ['admin'] }],
      morePaths: ['/root/e5', '/models/bge'],
      aliases: new Map([
        ['search', 'e5'],
        ['text-embedding-3-small', 'intfloat/multilingual-e5-small'],
      ]),
      host: '127.0.0.1',
    });
  });

  it('counts after the environment', async () => {
    const KIMERA_CONFIG = await fileOf('PORT: 1\nHOST: ::1\n');
    expect(await withConfigurationFile({ KIMERA_CONFIG, PORT: '2', HOST: '' }, '/')).toMatchObject({
      PORT: '2',
      HOST: '::1',
    });
    expect(await withConfigurationFile({ PORT: '2' }, '/')).toEqual({ PORT: '2' });
  });

  it.each([
    ['PROT: 1', 'PORT'],
    ['port: 1', 'PORT'],
    ['KIMERA_API_KEY: a', 'KIMERA_API_KEYS'],
    ['MODEL_IDLE_SECOND: 1', 'MODEL_IDLE_SECONDS'],
    ['xyzzy_quux_plugh: 1', undefined],
  ])('refuses the setting of %j and names the one that is meant: %s', async (text, nearest) => {
    const path = await fileOf(text);
    const error = await rejection(() => readConfigurationFile(path));
    expect(error).toBeInstanceOf(UnknownSettingError);
    expect(error).toMatchObject({ nearest, setting: text.split(':')[0] });
  });

  it.each([
    ['no YAML', '{'],
    ['a list', '- 1'],
    ['a text alone', 'hello'],
    ['a key twice', 'PORT: 1\nPORT: 2'],
    ['lists within lists', 'KIMERA_MODELS: [[a]]'],
    ['an item with a comma', 'KIMERA_MODELS: ["a,b"]'],
    ['aliases that expand', 'HOST: &a x\nPORT: *a'],
    ['true where a number is expected', 'PORT: true'],
    ['true where a text is expected', 'KIMERA_MODELS: [true]'],
    ['a key that YAML reads as a number', 'KIMERA_API_KEYS: 1e10'],
    ['keys that YAML reads as numbers', 'KIMERA_API_KEYS: ["a", 007]'],
    ['a name with =', 'KIMERA_MODEL_ALIASES: {"a=b": c}'],
  ])('refuses %s', async (_, text) => {
    const path = await fileOf(text);
    const error = await rejection(() => readConfigurationFile(path));
    expect(error).toBeInstanceOf(ConfigurationFileError);
    expect(String(error)).toContain(path);
  });

  it('refuses a file that is not there', async () => {
    expect(await rejection(() => withConfigurationFile({ KIMERA_CONFIG: 'nothing.yaml' }, '/root'))).toMatchObject({
      code: 'CONFIGURATION_FILE',
      message: expect.stringContaining('/root/nothing.yaml'),
    });
  });

  it('knows every setting that the table of variables describes, and no secret is shown', () => {
    const described = ENVIRONMENT.map(({ name }) => name);
    expect(SETTINGS.filter((name) => !described.includes(name))).toEqual([]);
    const secrets = {
      KIMERA_API_KEYS: 'hidden-key',
      DATABASE_URL: 'postgres://user:hidden-password@host/db',
      PORT: '1',
    };
    const shown = describeSettings(secrets);
    expect(JSON.stringify(shown)).not.toContain('hidden');
    expect(shown.find(({ name }) => name === 'PORT')?.value).toBe('1');
    expect(shown.find(({ name }) => name === 'KIMERA_API_KEYS')?.value).toBe('(set)');
    expect(shown.find(({ name }) => name === 'HOST')?.value).toBeUndefined();
  });
});
