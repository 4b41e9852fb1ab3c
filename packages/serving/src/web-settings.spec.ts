import { expect, it } from '@jest/globals';
import { configurationProblems, parseConfiguration } from './configuration.js';

const parse = (environment: Record<string, string>) => parseConfiguration(environment, '/nowhere').web;

it('is closed to browsers and proxies unless told otherwise', () => {
  expect(parse({})).toEqual({ corsOrigins: [], pathPrefix: '', trustedProxies: [] });
});

it('reads origins, a prefix and proxies', () => {
  expect(
    parse({
      KIMERA_CORS_ORIGINS: 'https://app.example.com, http://localhost:5173',
      KIMERA_PATH_PREFIX: '/api/embeddings',
      KIMERA_TRUST_PROXY: 'loopback, 10.0.0.0/8,fd00::/8 ,192.0.2.1',
    }),
  ).toEqual({
    corsOrigins: ['https://app.example.com', 'http://localhost:5173'],
    pathPrefix: '/api/embeddings',
    trustedProxies: ['loopback', '10.0.0.0/8', 'fd00::/8', '192.0.2.1'],
  });
  expect(parse({ KIMERA_CORS_ORIGINS: '*' }).corsOrigins).toBe('any');
});

it.each([
  ['KIMERA_CORS_ORIGINS', 'app.example.com'],
  ['KIMERA_CORS_ORIGINS', 'https://app.example.com/'],
  ['KIMERA_CORS_ORIGINS', 'https://a.example.com https://b.example.com'],
  ['KIMERA_PATH_PREFIX', 'embeddings'],
  ['KIMERA_PATH_PREFIX', '/embeddings/'],
  ['KIMERA_PATH_PREFIX', '/'],
  ['KIMERA_TRUST_PROXY', 'true'],
  ['KIMERA_TRUST_PROXY', '10.0.0.0/33'],
  ['KIMERA_TRUST_PROXY', 'proxy.example.com'],
])('refuses %s=%s', (name, value) => {
  expect(configurationProblems({ [name]: value })).toMatchObject([{ code: 'INVALID_ENVIRONMENT', variable: name }]);
});
