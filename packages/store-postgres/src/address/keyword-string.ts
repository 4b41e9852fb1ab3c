import { DatabaseAddressError } from '../errors.js';

/**
 * A connection string of keywords, `host=db dbname='my docs' password=it\'s`, as libpq reads it
 * (https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE). @throws DatabaseAddressError.
 */
export function parseKeywordString(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  const setting = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'(?=\s|$)|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)\s*/suy;
  while (setting.lastIndex < text.length) {
    const found = setting.exec(text);
    if (found === null)
      throw new DatabaseAddressError(
        'not every part of it is "keyword=value": values with spaces stand in single quotes, and \\ stands before \' and \\ in them',
      );
    const [, keyword = '', quoted, plain] = found;
    settings.set(keyword.toLowerCase(), (quoted ?? plain ?? '').replaceAll(/\\(.)/gsu, '$1'));
  }
  return settings;
}

/** Whether a text begins as a connection string of keywords does. */
export function looksLikeKeywords(text: string, keywords: ReadonlySet<string>): boolean {
  const [, first] = /^\s*([A-Za-z_]+)\s*=/.exec(text) ?? [];
  return first !== undefined && keywords.has(first.toLowerCase());
}
