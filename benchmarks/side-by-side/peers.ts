import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ifPresent } from '@kimera/core';
import { z } from 'zod';
import { MissingSystemError } from './peer-process.js';

const peersSchema = z.record(
  z.string(),
  z.object({
    versions: z.record(z.string(), z.string()).optional(),
    missing: z.string().optional(),
    python: z.string().optional(),
    program: z.string().optional(),
    home: z.string().optional(),
  }),
);

/** Where benchmarks/peers/install.mjs puts them unless told otherwise. */
export function defaultPeersFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kimera', 'peers');
}

/** The peers that benchmarks/peers/install.mjs installed into a folder. */
export class Peers {
  private constructor(private readonly known: z.infer<typeof peersSchema>) {}

  static async open(folder: string): Promise<Peers> {
    const text = await ifPresent(() => readFile(join(folder, 'peers.json'), 'utf8'));
    return new Peers(peersSchema.parse(JSON.parse(text ?? '{}')));
  }

  /** The interpreter of its environment. @throws MissingSystemError. */
  python(name: string): string {
    return this.#of(name, 'python');
  }

  /** Its own program. @throws MissingSystemError. */
  program(name: string): string {
    return this.#of(name, 'program');
  }

  /** The folder of its node_modules. @throws MissingSystemError. */
  home(name: string): string {
    return this.#of(name, 'home');
  }

  versions(name: string): Readonly<Record<string, string>> {
    return this.known[name]?.versions ?? {};
  }

  #of(name: string, what: 'python' | 'program' | 'home'): string {
    const peer = this.known[name];
    const value = peer?.[what];
    if (value === undefined)
      throw new MissingSystemError(
        peer?.missing === undefined
          ? `${name} is not installed: npm run bench:peers installs it`
          : `${name} could not be installed: ${peer.missing}`,
      );
    return value;
  }
}
