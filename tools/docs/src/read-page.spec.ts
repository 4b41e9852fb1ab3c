import { describe, expect, it } from '@jest/globals';
import { showsOutput } from './expected-output.js';
import { parsePage, UnmarkedBlockError } from './read-page.js';
import { splitCommands } from './split-commands.js';

const fenced = (information: string, text = 'true'): string => `Words.\n\n\`\`\`${information}\n${text}\n\`\`\`\n`;

describe('the marks of a block', () => {
  it('say where it runs', () => {
    expect(parsePage('a.md', fenced('sh user background=http://127.0.0.1:1/x?y=z')).blocks).toEqual([
      {
        kind: 'commands',
        place: 'user',
        slow: false,
        background: 'http://127.0.0.1:1/x?y=z',
        line: 3,
        language: 'sh',
        text: 'true',
      },
    ]);
    expect(parsePage('a.md', fenced('js clone slow file=a.mjs')).blocks).toMatchObject([
      { kind: 'file', place: 'clone', slow: true, name: 'a.mjs' },
    ]);
  });

  it.each([
    ['', 'true'],
    ['sh', 'true'],
    ['js user', 'true'],
    ['sh shown', 'true'],
    ['sh user clone', 'true'],
    ['sh user shown', 'true'],
    ['sh user offline', 'true'],
    ['text prints', 'true'],
    ['text slow prints', 'true'],
  ])('"%s" is refused', (information, text) => {
    expect(() => parsePage('a.md', fenced(information, text))).toThrow(UnmarkedBlockError);
  });

  it('JSON that is shown is JSON', () => {
    expect(() => parsePage('a.md', fenced('json shown', '{"a": …}'))).toThrow(SyntaxError);
  });

  it('a block without an end is refused', () => {
    expect(() => parsePage('a.md', '```sh user\ntrue\n')).toThrow(UnmarkedBlockError);
  });
});

describe('output', () => {
  it.each([
    ['a 1.25 b', 'first\na 1.25 b\nlast\n', true],
    ['a … b', 'a 17 words b', true],
    ['a  b', 'a b', true],
    ['a.b', 'axb', false],
    ['a b', 'a b c', false],
    ['first\n…\nlast', 'first\n1\n2\nlast', true],
  ])('"%s" shows "%s": %s', (shown, printed, expected) => {
    expect(showsOutput(shown, printed)).toBe(expected);
  });
});

it('commands with exit codes run one by one, others together', () => {
  expect(splitCommands('a\nb')).toEqual([{ script: 'a\nb', exitCode: 0 }]);
  expect(splitCommands('a\nb # refused: exit code 2\n')).toEqual([
    { script: 'a', exitCode: 0 },
    { script: 'b # refused: exit code 2', exitCode: 2 },
  ]);
});
