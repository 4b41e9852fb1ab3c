import { InvalidEnvironmentError } from '@kimera/serving';
import { HubOfflineError } from '../errors.js';

const PUBLIC_HUB = 'https://huggingface.co';
/** huggingface_hub 1.1, constants.py ENV_VARS_TRUE_VALUES. */
const TRUE_VALUES = ['1', 'ON', 'YES', 'TRUE'];

/** Which hub, and as whom. */
export interface HubSettings {
  /** Ends with a slash; a mirror may lie below a path. */
  readonly endpoint: URL;
  readonly token: string | undefined;
}

/**
 * HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, with the meaning that they have for the hub's own tools. @throws
 * HubOfflineError, InvalidEnvironmentError.
 */
export function hubSettings(environment: Readonly<Record<string, string | undefined>>): HubSettings {
  const offline = environment['HF_HUB_OFFLINE'] ?? '';
  if (TRUE_VALUES.includes(offline.toUpperCase())) throw new HubOfflineError(offline);
  const token = (environment['HF_TOKEN'] ?? '').trim();
  // Anything else cannot stand in a header.
  if (!/^[\x21-\x7e]*$/.test(token))
    throw new InvalidEnvironmentError('HF_TOKEN', undefined, 'visible ASCII characters');
  return {
    endpoint: endpointUrl((environment['HF_ENDPOINT'] ?? '').trim() || PUBLIC_HUB),
    token: token === '' ? undefined : token,
  };
}

function endpointUrl(text: string): URL {
  const url = parseUrl(text);
  const isPlain =
    url !== undefined &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (!isPlain)
    // The value is not shown: it may hold a password.
    throw new InvalidEnvironmentError(
      'HF_ENDPOINT',
      undefined,
      'an http or https address without user, query and fragment',
    );
  return new URL(url.href.replace(/\/*$/, '/'));
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
