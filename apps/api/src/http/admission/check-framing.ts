import type { RequestHandler } from 'express';
import { HttpError } from '../../errors.js';

/** Headers that mean one thing: Node takes the first, a proxy in front may have taken the last. */
const SINGLE = ['host', 'authorization', 'content-type'];
/** A name, an address of IPv4, or one of IPv6 in brackets; then a port (RFC 3986, 3.2.2). Empty where there is none. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(?::\d*)?$/i;

/** Headers by which a proxy in front may have read another request than this server does. */
export const checkFraming: RequestHandler = ({ rawHeaders, headers, httpVersion }, _response, next) => {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  // RFC 9112, 3.2.
  const twice = SINGLE.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw new HttpError('malformed_request', `the request has more than one ${twice} header`);
  const { host } = headers;
  if (host === undefined && httpVersion !== '1.0')
    throw new HttpError('malformed_request', 'the request has no Host header');
  if (host !== undefined && !HOST.test(host)) throw new HttpError('malformed_request', 'the header Host names no host');
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
