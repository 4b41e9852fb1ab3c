import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import { formatBytes } from '../console/format.js';
import type { Finding } from './finding.js';

const LEAST_NODE = 20;
/** Features that matter for speed or for 8-bit variants, by their names in /proc/cpuinfo. */
const FEATURES = ['avx', 'avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimd', 'asimddp', 'i8mm'];

export function machineFindings(): readonly Finding[] {
  const major = Number(process.versions.node.split('.')[0]);
  const features = processorFeatures();
  return [
    {
      area: 'machine',
      what: 'Node.js',
      state: major >= LEAST_NODE ? 'fine' : 'problem',
      value: process.versions.node,
      ...(major >= LEAST_NODE ? {} : { advice: `install Node.js ${LEAST_NODE} or newer` }),
    },
    { area: 'machine', what: 'system', state: 'fine', value: `${platform()} ${arch()}, ${release()}${libc()}` },
    {
      area: 'machine',
      what: 'processor',
      state: 'fine',
      value: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    },
    {
      area: 'machine',
      what: 'processor features',
      state: 'fine',
      value: features === undefined ? 'not known on this system' : features.join(', ') || 'none that matter',
    },
    {
      area: 'machine',
      what: 'memory',
      state: 'fine',
      value: `${formatBytes(totalmem())}, ${formatBytes(freemem())} of it free`,
    },
  ];
}

/** Undefined where the system does not say. */
function processorFeatures(): readonly string[] | undefined {
  if (!existsSync('/proc/cpuinfo')) return undefined;
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  return line === undefined ? undefined : FEATURES.filter((feature) => line.split(' ').includes(feature));
}

/** The native runtime is built for glibc. */
function libc(): string {
  if (platform() !== 'linux') return '';
  const report: unknown = process.report.getReport();
  const header = typeof report === 'object' && report !== null && 'header' in report ? report.header : undefined;
  const glibc =
    typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header
      ? header.glibcVersionRuntime
      : undefined;
  return typeof glibc === 'string' ? `, glibc ${glibc}` : ', no glibc (musl)';
}
