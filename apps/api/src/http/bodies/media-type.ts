import { MIMEType } from 'node:util';
import { HttpError } from '../../errors.js';

/** JSON in UTF-8, under any of its names. @throws HttpError. */
export function checkMediaType(header: string | undefined): void {
  const type = header === undefined ? undefined : parsed(header);
  if (type === undefined || !/^application\/(?:[\w.+-]+\+)?json$/.test(type.essence))
    throw new HttpError(
      'unsupported_media_type',
      `Content-Type is ${header === undefined ? 'absent' : JSON.stringify(header.slice(0, 100))}, expected application/json`,
    );
  const charset = type.params.get('charset') ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset))
    throw new HttpError(
      'unsupported_media_type',
      `Content-Type names the charset ${JSON.stringify(charset.slice(0, 100))}, expected utf-8`,
    );
}

function parsed(header: string): MIMEType | undefined {
  try {
    return new MIMEType(header);
  } catch {
    return undefined;
  }
}
