import { expect, it } from '@jest/globals';
import { textBeginnings } from './text-beginnings.js';

it('is each text after each of its words or characters, without marks at the end, each once', () => {
  expect(textBeginnings(['One, two three.', 'One, two more', '面条很好', 'word', ''], 100)).toEqual([
    'One',
    'One, two',
    '面',
    '面条',
    '面条很',
    'w',
    'wo',
    'wor',
  ]);
});

it('takes from all parts of the list where there are too many', () => {
  expect(textBeginnings(['a b c d e f g h i'], 4)).toEqual(['a', 'a b c', 'a b c d e', 'a b c d e f g']);
});
