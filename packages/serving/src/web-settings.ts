import { isIP } from 'node:net';
import { z } from 'zod';
import { list } from './setting-types.js';

/** What stands between the server and browsers or proxies. */
export interface WebSettings {
  /** Origins whose pages may ask from a browser; `any`: all. */
  readonly corsOrigins: readonly string[] | 'any';
  /** What a proxy leaves before the paths: empty, or `/embeddings`. */
  readonly pathPrefix: string;
  /** Proxies whose X-Forwarded-* headers count: addresses, networks, or the names that Express has for some. */
  readonly trustedProxies: readonly string[];
}

/** Networks by the names that Express gives them. */
const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

export const WEB_FIELDS = {
  KIMERA_CORS_ORIGINS: list.refine(
    (origins) => origins.every((origin) => origin === '*' || isOrigin(origin)),
    'origins like https://app.example.com, separated by commas, or *',
  ),
  KIMERA_PATH_PREFIX: z
    .string()
    .regex(/^(?:\/[\w.~-]+)+$/, 'a path like /embeddings')
    .optional(),
  KIMERA_TRUST_PROXY: list.refine(
    (proxies) => proxies.every((proxy) => NETWORKS.includes(proxy) || isNetwork(proxy)),
    `addresses, networks like 10.0.0.0/8, or ${NETWORKS.join(', ')}, separated by commas`,
  ),
};

export function webSettings(value: z.infer<z.ZodObject<typeof WEB_FIELDS>>): WebSettings {
  return {
    corsOrigins: value.KIMERA_CORS_ORIGINS.includes('*') ? 'any' : value.KIMERA_CORS_ORIGINS,
    pathPrefix: value.KIMERA_PATH_PREFIX ?? '',
    trustedProxies: value.KIMERA_TRUST_PROXY,
  };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  return (
    version > 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
}
