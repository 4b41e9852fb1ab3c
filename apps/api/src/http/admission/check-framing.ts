import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';

/** Headers by which a proxy in front may have read another request than this server does. */
export const checkFraming: RequestHandler = ({ rawHeaders, headers, httpVersion }, _response, next) => {
  // RFC 9112, 3.2.
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) throw new HttpError('malformed_request', 'the request has more than one Host header');
  if (hosts.length === 0 && httpVersion !== '1.0')
    throw new HttpError('malformed_request', 'the request has no Host header');
  // RFC 9112, 6.1: Node reads what stands before chunked as if it were not there.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.trim().toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    throw new HttpError(
      'malformed_request',
      httpVersion === '1.0'
        ? 'HTTP/1.0 has no Transfer-Encoding'
        : `Transfer-Encoding is ${JSON.stringify(coding.slice(0, 100))}: this server reads chunked alone`,
    );
  next();
};
