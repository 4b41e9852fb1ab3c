// node deploy/try-image.mjs: the steps of the Dockerfile one by one, where no container builder is at hand. Each stage is a root of its
// own with nothing of this machine in it but the system's programs (read-only); the server then runs as the image says: as its
// user, on a read-only root with a /tmp, and is asked, checked by the image's health check, and ended by SIGTERM. Linux, as root
// (mount namespaces and chroot); the packages come from the registry that npm is set to. Ends with 1 where a step fails.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  lstatSync,
  readlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('..', import.meta.url));
const say = (line) => process.stdout.write(`${line}\n`);
if (process.platform !== 'linux' || process.getuid() !== 0) {
  say('not run: this takes Linux, and root');
  process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), 'kimera-image-'));
/** A step of a build ends with all that it started. */
const OWN_PROCESSES = ['--pid', '--fork', '--kill-child'];
/** What of the machine a base image stands for. */
const SYSTEM = ['/usr', '/etc'];
const LINKS = ['/bin', '/sbin', '/lib', '/lib64'];
const USERS = { root: 0, node: 1000 };

/** Instructions of a Dockerfile: continued lines are one. */
function instructions(text) {
  return text
    .replace(/^#.*$/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line.trim()))
    .filter((found) => found !== null)
    .map(([, name, rest]) => ({ name, rest: rest.trim() }));
}

/** A root with the system's programs in it, an own /tmp and an own home. */
function newRoot(name) {
  const root = join(work, name);
  for (const folder of [...SYSTEM, '/proc', '/dev', '/tmp', '/root', '/home/node'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const link of LINKS)
    if (existsSync(link) && lstatSync(link).isSymbolicLink()) symlinkSync(readlinkSync(link), join(root, link));
  return root;
}

/** A program inside of a root. @param rootIs `writable`, as in a build, or `read-only`. @param namespaces more words for unshare. */
function inside({ root, env, cwd, user }, rootIs, words, namespaces = []) {
  const script = [
    `mount --bind ${root} ${root}`,
    ...SYSTEM.map((folder) => `mount --bind ${folder} ${root}${folder} && mount -o remount,ro,bind ${root}${folder}`),
    `mount -t tmpfs tmpfs ${root}/tmp && chmod 1777 ${root}/tmp`,
    `mount -t proc proc ${root}/proc && mount --rbind /dev ${root}/dev`,
    // Last: what is mounted below stays as it is.
    ...(rootIs === 'read-only' ? [`mount -o remount,ro,bind ${root}`] : []),
    `cd ${root}${cwd}`,
    `exec chroot --userspec=${USERS[user]}:${USERS[user]} ${root} /usr/bin/env -i -C ${cwd} "$@"`,
  ].join(' && ');
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  return ['unshare', ['--mount', ...namespaces, '--', 'sh', '-euc', script, 'sh', ...variables, ...words]];
}

function run(stage, rootIs, words, options = {}) {
  const { status, stdout } = spawnSync(...inside(stage, rootIs, words, OWN_PROCESSES), {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    ...options,
  });
  return { ok: status === 0, text: stdout ?? '' };
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

/** What `COPY . .` sends to a builder: what git knows, without what .dockerignore names. */
function context() {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: source,
    encoding: 'utf8',
  });
  return listed.stdout
    .split('\0')
    .filter((path) => path !== '' && !path.startsWith('.github/') && existsSync(join(source, path)));
}

const certificates = process.env.NODE_EXTRA_CA_CERTS;
const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim();
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const stages = new Map();
let stage;
let failed = 0;
function check(what, ok) {
  say(`${ok ? 'passed' : 'FAILED'} ${what}`);
  failed += ok ? 0 : 1;
}

try {
  for (const { name, rest } of instructions(readFileSync(join(source, 'Dockerfile'), 'utf8'))) {
    switch (name) {
      case 'FROM': {
        const label = / AS (\S+)$/i.exec(rest)?.[1] ?? 'image';
        stage = { root: newRoot(label), env: { PATH: path, HOME: '/root' }, cwd: '/', user: 'root' };
        stages.set(label, stage);
        break;
      }
      case 'WORKDIR':
        stage.cwd = rest;
        mkdirSync(join(stage.root, rest), { recursive: true });
        break;
      case 'ENV':
        for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[key] = value;
        break;
      case 'COPY': {
        const from = /^--from=(\S+) (\S+) (\S+)$/.exec(rest);
        if (from !== null) copy(join(stages.get(from[1]).root, from[2]), join(stage.root, from[3]));
        else for (const file of context()) copy(join(source, file), join(stage.root, stage.cwd, file));
        break;
      }
      case 'RUN': {
        say(`running ${rest.replace(/\s+/g, ' ')}`);
        const step = { ...stage, env: { ...stage.env, npm_config_registry: registry } };
        if (certificates !== undefined) {
          copy(certificates, join(stage.root, 'root/certificates.pem'));
          step.env.NODE_EXTRA_CA_CERTS = '/root/certificates.pem';
        }
        const { ok } = run(step, 'writable', ['sh', '-ec', rest]);
        check(`RUN ${rest.slice(0, 60)} …`, ok);
        if (!ok) throw new Error('the image cannot be built');
        break;
      }
      case 'USER':
        stage.user = rest;
        stage.env.HOME = `/home/${rest}`;
        break;
      case 'HEALTHCHECK':
        stage.health = JSON.parse(/CMD (\[.*\])$/.exec(rest)[1]);
        break;
      case 'ENTRYPOINT':
      case 'CMD':
        stage.command = [...(stage.command ?? []), ...JSON.parse(rest)];
        break;
      case 'EXPOSE':
        break;
      default:
        throw new Error(`no step for ${name}`);
    }
  }
  const port = 20_000 + (process.pid % 20_000);
  const image = { ...stage, env: { ...stage.env, PORT: String(port), KIMERA_API_KEYS: 'secret' } };
  const who = run(
    image,
    [],
    ['sh', '-c', 'id -u; for at in / /app /usr; do touch $at/x 2>/dev/null && echo $at; done; touch /tmp/x'],
  );
  check(
    'the user is none with rights, and the root is read-only',
    who.ok && who.text.trim() === String(USERS[image.user]),
  );
  const healthy = () => run(image, 'read-only', image.health, { stdio: ['ignore', 'ignore', 'ignore'] }).ok;
  check('the health check fails while nothing listens', !healthy());
  // The namespace is the server's own; its process is the one that the shell became.
  const server = spawn(...inside(image, 'read-only', image.command), { stdio: ['ignore', 'pipe', 'inherit'] });
  let log = '';
  server.stdout.on('data', (chunk) => (log += chunk));
  const ended = once(server, 'exit');
  let isUp = false;
  for (let attempt = 0; attempt < 60 && !isUp && server.exitCode === null; attempt += 1) {
    isUp = healthy();
    if (!isUp) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  check('the health check passes once the server is ready', isUp);
  if (!isUp) say(log);
  else {
    const answer = await fetch(`http://127.0.0.1:${port}/embed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
      body: JSON.stringify({ inputs: ['a text'] }),
    });
    const [vector] = answer.ok ? await answer.json() : [[]];
    check(`a text becomes a vector of ${vector.length} numbers`, vector.length > 0);
    check('no key, no answer', (await fetch(`http://127.0.0.1:${port}/info`)).status === 401);
  }
  server.kill('SIGTERM');
  const [code] = await ended;
  check(`SIGTERM ends it with 0 (${code})`, code === 0);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
