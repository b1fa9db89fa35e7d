import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

// Which addresses a webhook may not be sent to. Whoever sets an address could otherwise make a worker speak to what
// only the inside of a network can reach. What is not known to be public is refused.

/** Not the public internet (the IANA special-purpose registry), and one public address of a cloud's inside. */
const BLOCKED_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

/** Only global unicast is public; loopback, unique-local, link-local, multicast, IPv4-mapped and NAT64 are not in it. */
const PUBLIC_6 = '2000::/3';
/** In it, but not public either, or a way to an IPv4 address: Teredo and others, documentation, 6to4. */
const BLOCKED_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'] as const;

const blocked4 = listOf(BLOCKED_4, 'ipv4');
const public6 = listOf([PUBLIC_6], 'ipv6');
const blocked6 = listOf(BLOCKED_6, 'ipv6');

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}

/** Whether a webhook may be sent to this IP address. Anything that is not an address is not. */
export function isPublicAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) only has a meaning on this machine.
  if (isIP(address) === 0 || address.includes('%')) return false;
  if (isIPv4(address)) return !blocked4.check(address, 'ipv4');
  return public6.check(address, 'ipv6') && !blocked6.check(address, 'ipv6');
}

export class BlockedAddressError extends Error {
  constructor(host: string) {
    super(`${host} is an internal address`);
    this.name = 'BlockedAddressError';
  }
}

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** As the system resolves names. */
export const resolveName: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
      if (error) reject(error);
      else resolve(addresses);
    });
  });

/**
 * A look-up for a socket: what it answers has been checked, and the socket connects to nothing else, so that a name
 * cannot point somewhere else in between. One internal address among several is enough to refuse.
 */
export function checkedLookup(
  resolve: Resolve,
  isAllowed: (address: string) => boolean = isPublicAddress,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => isAllowed(address)))
          callback(new BlockedAddressError(hostname), '');
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
}
