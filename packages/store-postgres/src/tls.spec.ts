import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { inspectDatabase } from './inspect-database.js';

jest.setTimeout(120_000);

/** A PostgreSQL that can TLS, as Debian installs it; the test servers of tools/postgres cannot. */
const DEBIAN = '/usr/lib/postgresql';
const BINARIES = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .map((version) => join(DEBIAN, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;
const SCRIPT = resolve(__dirname, '../../../tools/postgres/postgres.mjs');
const onServer = BINARIES === undefined ? describe.skip : describe;
const PASSWORD = 'TopSecret1';
/** On a curve: one for RSA takes a hundred times as long to make. */
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

onServer('TLS', () => {
  let files = '';
  let folder = '';
  let port = '';
  let data = '';
  let superuser = '';

  function openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: files, stdio: 'ignore' });
  }
  /** A certificate that an authority of its own name, or another, has signed. */
  function certificate(name: string, authority: string, subject: string, extension: string): void {
    openssl('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
    writeFileSync(join(files, `${name}.ext`), extension);
    openssl(
      ...[
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${authority}.crt`,
        '-CAkey',
        `${authority}.key`,
        '-CAcreateserial',
      ],
      ...['-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
    chmodSync(join(files, `${name}.key`), 0o600);
  }
  /** Who may come in how, and whether the server can TLS. */
  async function configure(rules: readonly string[], ssl: 'on' | 'off'): Promise<void> {
    writeFileSync(join(data, 'pg_hba.conf'), ['local all all trust', ...rules].map((rule) => `${rule}\n`).join(''));
    const before = await asSuperuser('SELECT pg_conf_load_time()::text AS answer');
    await asSuperuser(`ALTER SYSTEM SET ssl = ${ssl}`);
    await asSuperuser('SELECT pg_reload_conf()');
    while ((await asSuperuser('SELECT pg_conf_load_time()::text AS answer')) === before);
  }
  /** The answer over a connection of its own, which knows what the server has loaded last. */
  async function asSuperuser(statement: string): Promise<string | undefined> {
    const client = new pg.Client({ connectionString: superuser, ssl: false });
    await client.connect();
    const { rows } = await client.query<{ answer: string }>(statement);
    await client.end();
    return rows[0]?.answer;
  }
  const SUPERUSER = 'hostnossl all postgres 127.0.0.1/32 trust';
  const EITHER = [SUPERUSER, 'host all all 127.0.0.1/32 scram-sha-256'];
  const ENCRYPTED = [SUPERUSER, 'hostssl all all 127.0.0.1/32 scram-sha-256'];
  const PLAIN = [SUPERUSER, 'hostnossl all all 127.0.0.1/32 scram-sha-256'];
  const BY_CERTIFICATE = [SUPERUSER, 'hostssl all all 127.0.0.1/32 cert'];

  beforeAll(async () => {
    files = mkdtempSync(join(tmpdir(), 'kimera-tls-'));
    for (const name of ['root', 'stranger'])
      openssl(
        'req',
        '-x509',
        ...NEW_KEY,
        '-days',
        '2',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        '-subj',
        `/CN=${name}`,
      );
    certificate('server', 'root', 'localhost', 'subjectAltName=DNS:localhost');
    certificate('client', 'root', 'someone', 'extendedKeyUsage=clientAuth');
    const output = execFileSync('node', [SCRIPT, 'start', '--binaries', BINARIES ?? '', '--version', 'debian'], {
      encoding: 'utf8',
    });
    superuser = /KIMERA_TEST_DATABASE_URL=(.*)/.exec(output)?.[1] ?? '';
    folder = /KIMERA_TEST_SERVER=(.*)/.exec(output)?.[1] ?? '';
    ({ port } = new URL(superuser));
    data = join(folder, 'data-debian');
    const { uid, gid } = statSync(data);
    for (const [from, to] of [
      ['server.key', 'server.key'],
      ['server.crt', 'server.crt'],
      ['root.crt', 'root.crt'],
    ] as const) {
      copyFileSync(join(files, from), join(data, to));
      chmodSync(join(data, to), 0o600);
      chownSync(join(data, to), uid, gid);
    }
    const client = new pg.Client({ connectionString: superuser, ssl: false });
    await client.connect();
    await client.query("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    await client.query(`CREATE ROLE someone LOGIN PASSWORD '${PASSWORD}'`);
    await client.query('CREATE DATABASE someone');
    await client.end();
  });
  afterAll(() => {
    execFileSync('node', [SCRIPT, 'stop', '--binaries', BINARIES ?? '', '--version', 'debian', '--folder', folder]);
    for (const each of [folder, files]) rmSync(each, { recursive: true, force: true });
  });

  /** `encrypted`, `plain`, or the code of the refusal. */
  async function how(parameters: string, host = '127.0.0.1', password = PASSWORD): Promise<string> {
    const database = `postgres://someone:${password}@${host}:${port}/someone?${parameters}`;
    try {
      const found = await inspectDatabase(database);
      return found.kind === 'server' && found.isEncrypted ? 'encrypted' : 'plain';
    } catch (error) {
      expect(inspect(error, { depth: 10 })).not.toContain(password);
      return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
    }
  }
  const root = (name = 'root'): string => `sslrootcert=${join(files, `${name}.crt`)}`;

  it('is used as each mode says, where the server takes both', async () => {
    await configure(EITHER, 'on');
    const modes = ['disable', 'allow', 'prefer', 'require', 'no-verify'];
    expect(await Promise.all(modes.map((mode) => how(`sslmode=${mode}`)))).toEqual([
      ...['plain', 'plain', 'encrypted', 'encrypted', 'encrypted'],
    ]);
    expect(await how('')).toBe('encrypted');
    expect(await how('ssl=true')).toBe('encrypted');
    expect(await how('channel_binding=disable')).toBe('encrypted');
  });

  it('is needed or not there: what cannot be is refused, and what may fall back does', async () => {
    await configure(ENCRYPTED, 'on');
    expect(await how('sslmode=disable')).toBe('STORE_ACCESS');
    expect(await how('sslmode=allow')).toBe('encrypted');
    await configure(PLAIN, 'on');
    expect(await how('sslmode=prefer')).toBe('plain');
    expect(await how('sslmode=require')).toBe('STORE_ACCESS');
    await configure(EITHER, 'off');
    expect(await how('sslmode=prefer')).toBe('plain');
    expect(await how('sslmode=allow')).toBe('plain');
    expect(await how('sslmode=require')).toBe('STORE_ACCESS');
    expect(await how(`sslmode=verify-full&${root()}`)).toBe('STORE_ACCESS');
  });

  it('checks the certificate where there is a root certificate, and the name in verify-full', async () => {
    await configure(EITHER, 'on');
    expect(await how(`sslmode=verify-ca&${root()}`)).toBe('encrypted');
    expect(await how(`sslmode=verify-full&${root()}`, 'localhost')).toBe('encrypted');
    expect(await how(`sslmode=verify-full&${root()}`)).toBe('STORE_ACCESS');
    for (const mode of ['require', 'verify-ca', 'verify-full'])
      expect(await how(`sslmode=${mode}&${root('stranger')}`, 'localhost')).toBe('STORE_ACCESS');
    expect(await how(`sslmode=prefer&${root('stranger')}`)).toBe('plain');
    expect(await how('sslmode=verify-full&sslrootcert=system', 'localhost')).toBe('STORE_ACCESS');
  });

  it('shows a certificate of its own where it is given one', async () => {
    await configure(BY_CERTIFICATE, 'on');
    const own = `sslcert=${join(files, 'client.crt')}&sslkey=${join(files, 'client.key')}`;
    expect(await how(`sslmode=verify-full&${root()}&${own}`, 'localhost', 'unused')).toBe('encrypted');
    expect(await how(`sslmode=verify-full&${root()}`, 'localhost')).toBe('STORE_ACCESS');
  });

  it('says of a wrong password that it is wrong, once', async () => {
    await configure(EITHER, 'on');
    for (const mode of ['disable', 'prefer', 'allow', 'require'])
      expect(await how(`sslmode=${mode}`, '127.0.0.1', 'Wrong1')).toBe('STORE_ACCESS');
  });
});
