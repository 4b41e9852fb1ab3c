import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseAddressError } from '../errors.js';
import { openStore } from '../open-store.js';
import { parseDatabaseAddress } from './parse-address.js';
import type { ServerAddress } from './server-address.js';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'kimera-address-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function server(text: string, environment: NodeJS.ProcessEnv = {}): ServerAddress {
  const address = parseDatabaseAddress(text, { environment: { HOME: home, ...environment } });
  if (address.kind !== 'server') throw new Error(`a folder: ${address.folder}`);
  return address;
}
function refusal(text: string, environment: NodeJS.ProcessEnv = {}): DatabaseAddressError {
  try {
    server(text, environment);
  } catch (error) {
    if (error instanceof DatabaseAddressError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}
const fields = ({ host, port, user, database, password }: ServerAddress) => ({
  host,
  port,
  user,
  database,
  password: password(),
});
const ALL = { host: 'db.example', port: 6543, user: 'me', database: 'docs', password: "p@s's /1" };

describe('the address of a server', () => {
  it.each([
    "postgres://me:p%40s's%20%2F1@db.example:6543/docs",
    "postgresql://me:p%40s's%20%2F1@db.example:6543/docs",
    "postgres://me:p@s's%20%2F1@db.example:6543/docs",
    "postgres://db.example:6543/docs?user=me&password=p%40s's%20%2F1",
    "postgres://?host=db.example&port=6543&dbname=docs&user=me&password=p%40s's%20%2F1",
    "postgres:///docs?host=db.example&port=6543&user=me&password=p@s's%20/1",
    "host=db.example port=6543 dbname=docs user=me password='p@s\\'s /1'",
    "password = 'p@s\\'s /1' host=db.example  port=6543\n dbname=docs user='me'",
    "host='db.example' port=6543 dbname=docs user=me password=p@s\\'s\\ /1 connect_timeout=10",
  ])('%s', (text) => {
    expect(fields(server(text))).toEqual(ALL);
  });

  it('takes from the environment what it does not say, as libpq does', () => {
    const environment = {
      PGHOST: 'db.example',
      PGPORT: '6543',
      PGDATABASE: 'docs',
      PGUSER: 'me',
      PGPASSWORD: "p@s's /1",
      PGAPPNAME: 'nightly',
      PGSSLMODE: 'disable',
      PGCONNECT_TIMEOUT: '7',
    };
    const address = server('postgres://', environment);
    expect(fields(address)).toEqual(ALL);
    expect(address).toMatchObject({ applicationName: 'nightly', connectMilliseconds: 7000 });
    expect(address.tls.mode).toBe('disable');
    expect(fields(server('postgres://you:other@elsewhere/notes?sslmode=require', environment))).toEqual({
      ...ALL,
      host: 'elsewhere',
      user: 'you',
      database: 'notes',
      password: 'other',
    });
    const user = userInfo().username;
    expect(server('postgres://')).toMatchObject({ host: 'localhost', port: 5432, user, database: user });
    expect(server('host=/var/run/postgresql')).toMatchObject({
      host: '/var/run/postgresql',
      tls: { attempts: [false] },
    });
    expect(server('postgres://%2Fvar%2Frun/docs').title).toBe(`postgres://${user}@%2Fvar%2Frun:5432/docs`);
    expect(server('postgres://me@[::1]:5433/docs').title).toBe('postgres://me@[::1]:5433/docs');
  });

  it('takes parameters of other programs that share it, and refuses those that it would have to keep', () => {
    const address = server(
      'postgres://me:x@h/d?pgbouncer=true&connection_limit=1&schema=public&supa=base&keepalives=1&target_session_attrs=read-write',
    );
    expect(address.title).toBe('postgres://me@h:5432/d');
    for (const parameter of ['hostaddr=1.2.3.4', 'service=main', 'sslcrl=file', 'target_session_attrs=standby'])
      expect(refusal(`postgres://me:x@h/d?${parameter}`).message).toContain(
        `its parameter ${parameter.split('=')[0] ?? ''}`,
      );
  });

  it('finds its password in a password file that is for its owner alone', () => {
    const file = join(home, 'passwords');
    writeFileSync(
      file,
      '# hosts\nelse:*:*:me:no\ndb.example:6543:docs:me\\:too:se\\:c\\\\ret:more\n*:*:*:me:any\nlocalhost:*:*:*:socket\n',
    );
    chmodSync(file, 0o600);
    const environment = { PGPASSFILE: file };
    expect(server('postgres://me%3Atoo@db.example:6543/docs', environment).password()).toBe('se:c\\ret:more');
    expect(server('postgres://me@db.example/docs', environment).password()).toBe('any');
    expect(server('postgres://you@/docs?host=/tmp', environment).password()).toBe('socket');
    expect(server(`host=x user=me passfile=${file}`).password()).toBe('any');
    expect(server('postgres://nobody@db.example/docs', environment).hasPassword).toBe(false);
    chmodSync(file, 0o644);
    expect(server('postgres://me@db.example/docs', environment).hasPassword).toBe(false);
    writeFileSync(join(home, '.pgpass'), '*:*:*:*:at home\n', { mode: 0o600 });
    expect(server('postgres://me@db.example/docs').password()).toBe('at home');
    rmSync(join(home, '.pgpass'));
    expect(() => server('postgres://me@db.example/docs').password()).toThrow('the server asks for a password');
  });
});

describe('what names no database', () => {
  const SECRET = 'TopSecret1';
  it.each([
    ['a misspelt scheme', `postgress://me:${SECRET}@h/d`],
    ['another database', `mysql://me:${SECRET}@h/d`],
    ['a driver in the scheme', `postgresql+psycopg2://me:${SECRET}@h/d`],
    ['a URL of the web', `https://h/${SECRET}`],
    ['one slash', `postgres:/me:${SECRET}@h/d`],
    ['no scheme', `me:${SECRET}@h:5432/d`],
    ['no scheme, no port', `me:${SECRET}@h`],
    ['a host and a port', `h:5432`],
    ['keywords that are none', `hst=h pasword=${SECRET}`],
    ['a keyword that is none behind others', `host=h pasword=${SECRET}`],
    ['a value with spaces', `host=h password=${SECRET} more of it`],
    ['an open quote', `host=h password='${SECRET}`],
    ['a / in the password', `postgres://me:${SECRET}/x@h/d`],
    ['a # in the password', `postgres://me:12#${SECRET}@h/d`],
    ['a ? in the password', `postgres://me:12?${SECRET}@h/d`],
    ['a ? and = in the password', `postgres://me:12?${SECRET.toLowerCase()}=1@h/d`],
    ['a % in the password', `postgres://me:%zz${SECRET}@h/d`],
    ['a port that is none', `postgres://me:${SECRET}@h:port/d`],
    ['a port beyond the last', `host=h port=65536 password=${SECRET}`],
    ['port 0', `postgres://me:${SECRET}@h:0/d`],
    ['several servers', `postgres://me:${SECRET}@h,i/d`],
    ['several servers with ports', `postgres://me:${SECRET}@h:1,i:2/d`],
    ['several servers in keywords', `host=h,i password=${SECRET}`],
    ['a path of several parts', `postgres://me:${SECRET}@h/d/e`],
    ['an unknown parameter', `postgres://me:${SECRET}@h/d?sslmod=require`],
    ['an unknown sslmode', `postgres://me:${SECRET}@h/d?sslmode=${SECRET}`],
    ['verify-full without a root certificate', `postgres://me:${SECRET}@h/d?sslmode=verify-full`],
    ['verify-ca without a root certificate', `postgres://me:${SECRET}@h/d?sslmode=verify-ca`],
    ['system certificates that are not checked', `postgres://me:${SECRET}@h/d?sslmode=require&sslrootcert=system`],
    ['a root certificate that is not there', `postgres://me:${SECRET}@h/d?sslrootcert=/nowhere`],
    ['a certificate that is not there', `postgres://me:${SECRET}@h/d?sslcert=/nowhere`],
    ['a key that is not there', `postgres://me:${SECRET}@h/d?sslcert=/dev/null&sslkey=/nowhere`],
    ['a direct handshake that may be left out', `postgres://me:${SECRET}@h/d?sslnegotiation=direct`],
    ['a timeout that is none', `host=h password=${SECRET} connect_timeout=soon`],
    ['nothing', ''],
    ['spaces', '  '],
  ])('%s is refused before anything is made, and nothing of it is repeated', async (_, text) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: 'DATABASE_ADDRESS', kind: 'caller' });
    const seen = `${inspect(error, { depth: 10 })} ${JSON.stringify(error)} ${error.stack ?? ''}`;
    expect(seen.toLowerCase()).not.toContain(SECRET.toLowerCase());
    const folder = mkdtempSync(join(home, 'made-'));
    const before = process.cwd();
    process.chdir(folder);
    try {
      await expect(openStore({ database: text })).rejects.toMatchObject({ code: 'DATABASE_ADDRESS' });
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      process.chdir(before);
    }
  });

  it('is a folder where it says so, and a plain name is one', () => {
    for (const text of [
      'data',
      './data',
      '../x',
      '.',
      '..',
      '/srv/a=b',
      './host=h password=x',
      './me@h',
      '~data',
      'a b',
    ])
      expect(parseDatabaseAddress(text, { folder: '/srv/app' })).toEqual({
        kind: 'folder',
        folder: resolve('/srv/app', text),
      });
  });
});

it('an address shows its password to no log', () => {
  const address = server('postgres://me:TopSecret1@h/d?sslmode=require&sslpassword=TopSecret1');
  expect(
    `${inspect(address, { depth: 10, showHidden: true })} ${JSON.stringify(address)} ${address.title}`,
  ).not.toContain('TopSecret1');
});
