import { isIP } from 'node:net';
import { LIMITS } from '../core/limits.ts';
import { isPublicAddress } from './addresses.ts';

/** Where webhooks go. */
export interface Endpoint {
  readonly url: URL;
  /** On the allow list: it may be an internal address, and plain http. */
  readonly allowed: boolean;
}

/** The endpoint, or what is wrong with it in words that follow its name. `allow` is a list of `host:port`. */
export function readEndpoint(text: string, allow: string): Endpoint | string {
  if (!URL.canParse(text)) return 'is not a URL such as https://hooks.example.com/holdfast';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'does not begin with https://';
  if (url.username !== '' || url.password !== '')
    return 'carries a user or password: receivers check the signature instead';
  const list = allow.split(',').map((entry) => entry.trim().toLowerCase());
  const entries = list.filter((entry) => entry !== '');
  if (entries.length > LIMITS.webhookAllowed) return `has more than ${LIMITS.webhookAllowed} allowed hosts`;
  const wrong = entries.find((entry) => !/^(\[[0-9a-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/.test(entry));
  if (wrong !== undefined) return `has an allow list with "${wrong}" in it, which is not host:port`;
  const place = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const allowed = entries.includes(place);
  if (!allowed && url.protocol === 'http:')
    return `is not https: only hosts in HOLDFAST_WEBHOOK_ALLOW may be reached in the clear (${place} is not)`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A name is checked when it is resolved, at every attempt.
  if (!allowed && isIP(host) !== 0 && !isPublicAddress(host))
    return `is the internal address ${host}: put ${place} into HOLDFAST_WEBHOOK_ALLOW if that is what you want`;
  return { url, allowed };
}
