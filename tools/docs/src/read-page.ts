import { readFileSync } from 'node:fs';

/**
 * Where a block runs: the folder of a user who installed the tarballs, that folder with HF_ENDPOINT naming a hub of the
 * test or DATABASE_URL a server, a clone of the repository, or nowhere but on a machine with internet (`download`).
 */
export const PLACES = ['user', 'hub', 'server', 'clone', 'download'] as const;
export type Place = (typeof PLACES)[number];

/** A fenced block that a test does something with. */
export type Block = {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
} & (
  | {
      readonly kind: 'commands';
      readonly place: Place;
      readonly slow: boolean;
      readonly background: string | undefined;
    }
  | { readonly kind: 'file'; readonly place: Place; readonly slow: boolean; readonly name: string }
  /** What the commands before it print on stdout; it is compared where they run. */
  | { readonly kind: 'prints'; readonly of: Block & { readonly kind: 'commands' } }
  /** An example of data that no command reads; JSON among it must be JSON. */
  | { readonly kind: 'shown' }
);

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly blocks: readonly Block[];
}

/** A block whose mark says nothing that a test can do. */
export class UnmarkedBlockError extends Error {
  constructor(
    readonly path: string,
    readonly line: number,
    readonly reason: string,
  ) {
    super(`${path}, line ${line}: ${reason}; CONTRIBUTING.md lists the marks`);
    this.name = 'UnmarkedBlockError';
  }
}

const COMMANDS = 'sh';
/** Languages that need no run: their blocks may be marked `shown`. */
const DATA = ['text', 'json', 'sql', 'yaml'];

/** @throws UnmarkedBlockError where the fence of a block names no place or kind. */
export function readPage(root: string, path: string): Page {
  return parsePage(path, readFileSync(`${root}/${path}`, 'utf8'));
}

/** @throws UnmarkedBlockError */
export function parsePage(path: string, markdown: string): Page {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const opening = /^\s*(```+)\s*(.*)$/.exec(lines[i] ?? '');
    if (opening === null) continue;
    const [, fence = '', information = ''] = opening;
    const start = i;
    while (++i < lines.length && lines[i]?.trim() !== fence);
    if (i >= lines.length) throw new UnmarkedBlockError(path, start + 1, 'the block has no end');
    blocks.push(parseBlock(path, start + 1, information.trim(), lines.slice(start + 1, i).join('\n'), blocks.at(-1)));
  }
  return { path, blocks };
}

function parseBlock(path: string, line: number, information: string, text: string, before: Block | undefined): Block {
  const [language = '', ...words] = information.split(/\s+/);
  const marks = new Map(
    words.map((word) => [word.replace(/=.*/s, ''), word.includes('=') ? word.replace(/^[^=]*=/, '') : '']),
  );
  const refuse = (reason: string): UnmarkedBlockError => new UnmarkedBlockError(path, line, reason);
  const take = (name: string): string | undefined => {
    const value = marks.get(name);
    marks.delete(name);
    return value;
  };
  const places = PLACES.filter((place) => take(place) !== undefined);
  const slow = take('slow') !== undefined;
  const background = take('background');
  const name = take('file');
  const prints = take('prints') !== undefined;
  const shown = take('shown') !== undefined;
  const [unknown] = marks.keys();
  if (unknown !== undefined) throw refuse(`the mark "${unknown}" is not known`);
  const [place] = places;
  if (Number(place !== undefined) + Number(prints) + Number(shown) !== 1 || places.length > 1)
    throw refuse(`a block needs one of ${[...PLACES, 'prints', 'shown'].join(', ')}`);
  if (shown) {
    if (!DATA.includes(language)) throw refuse(`only ${DATA.join(' and ')} may be "shown": "${language}" must run`);
    if (language === 'json') JSON.parse(text);
    return { kind: 'shown', line, language, text };
  }
  if (prints || place === undefined) {
    if (before?.kind !== 'commands') throw refuse('"prints" stands behind a block of commands');
    if (slow) throw refuse('"slow" belongs to the commands before');
    return { kind: 'prints', of: before, line, language, text };
  }
  if (name !== undefined) return { kind: 'file', place, slow, name, line, language, text };
  if (language !== COMMANDS) throw refuse(`"${language}" does not run by itself: name a file for it (file=NAME)`);
  return { kind: 'commands', place, slow, background, line, language, text };
}
