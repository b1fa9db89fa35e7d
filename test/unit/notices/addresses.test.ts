import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import {
  BlockedAddressError,
  checkedLookup,
  isPublicAddress,
  resolveName,
} from '../../../src/notices/addresses.ts';
import { readEndpoint } from '../../../src/notices/endpoint.ts';

describe('internal addresses are blocked', () => {
  test.each([
    ['0.0.0.0', 'this network'],
    ['0.255.255.255', 'this network'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.100.100.200', 'metadata of a cloud, in the same'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['168.63.129.16', 'the inside of a cloud'],
    ['169.254.169.254', 'metadata'],
    ['169.254.0.1', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.192', 'protocol assignments, metadata of a cloud'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relay'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:7f00:1', 'IPv4-mapped'],
    ['::ffff:8.8.8.8', 'IPv4-mapped, even of a public one'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b:1::1', 'local NAT64'],
    ['100::1', 'discard'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4 of loopback'],
    ['3fff::1', 'documentation'],
    ['5f00::1', 'segment routing'],
    ['fc00::1', 'unique-local'],
    ['fd00:ec2::254', 'metadata of a cloud'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['', 'nothing'],
    ['example.com', 'no address'],
    ['127.1', 'no address as it stands'],
  ])('%s (%s)', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));
  test.each([
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '223.255.255.255',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));
  test.each(['2606:4700:4700::1111', '2001:4860:4860::8888', '2a00::1', '3ffe:ffff::1'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
});

describe('a name is checked where it is resolved', () => {
  const at = (...addresses: string[]): (() => Promise<readonly LookupAddress[]>) => {
    return async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const ask = (resolve: Parameters<typeof checkedLookup>[0], all: boolean) =>
    new Promise<unknown>((done) => {
      checkedLookup(resolve)('hooks.example.com', { all }, (error, address, family) =>
        done(error ?? [address, family]),
      );
    });

  test.each([
    ['loopback', ['127.0.0.1']],
    ['IPv6 loopback', ['::1']],
    ['a public and an internal address', ['93.184.216.34', '10.0.0.1']],
    ['a mapped address', ['::ffff:10.0.0.1']],
    ['no address', []],
  ])('one that resolves to %s is refused', async (_, addresses) => {
    expect(await ask(at(...addresses), true)).toBeInstanceOf(BlockedAddressError);
    expect(await ask(at(...addresses), false)).toBeInstanceOf(BlockedAddressError);
  });

  test('localhost, as this system resolves it, is refused', async () => {
    const answer = await new Promise((done) => {
      checkedLookup(resolveName)('localhost', { all: true }, (error) => done(error));
    });
    expect(answer).toBeInstanceOf(BlockedAddressError);
  });

  test('a public one passes, in the form the socket asks for', async () => {
    expect(await ask(at('93.184.216.34'), false)).toEqual(['93.184.216.34', 4]);
    expect(await ask(at('93.184.216.34'), true)).toEqual([
      [{ address: '93.184.216.34', family: 4 }],
      undefined,
    ]);
  });

  test('a name that does not resolve says so', async () => {
    const failed = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    expect(await ask(() => Promise.reject(failed), true)).toBe(failed);
  });
});

describe('an endpoint is checked at start', () => {
  test.each([
    ['https://hooks.example.com/x', ''],
    ['https://hooks.example.com:8443/x', ''],
    ['http://127.0.0.1:9000/x', '127.0.0.1:9000'],
    ['http://receiver/x', 'other:1, Receiver:80'],
    ['https://receiver/x', 'receiver:443'],
    ['http://[::1]:9000/x', '[::1]:9000'],
  ])('%s with "%s" allowed is good', (url, allow) => {
    expect(readEndpoint(url, allow)).toMatchObject({ allowed: allow !== '' });
  });

  test.each([
    ['hooks.example.com', '', 'is not a URL'],
    ['ftp://hooks.example.com', '', 'does not begin with https://'],
    ['https://user:SECRET@hooks.example.com', '', 'carries a user or password'],
    ['http://hooks.example.com', '', 'is not https'],
    ['http://hooks.example.com', 'hooks.example.com:443', 'is not https'],
    ['https://127.0.0.1', '', 'is the internal address 127.0.0.1'],
    // Other ways to write it: the URL parser knows them all.
    ['https://127.1', '', 'is the internal address 127.0.0.1'],
    ['https://2130706433', '', 'is the internal address 127.0.0.1'],
    ['https://0x7f.0.0.1', '', 'is the internal address 127.0.0.1'],
    ['https://0177.0.0.1', '', 'is the internal address 127.0.0.1'],
    ['https://１２７.0.0.1', '', 'is the internal address 127.0.0.1'],
    ['https://[::1]', '', 'is the internal address ::1'],
    ['https://[::ffff:127.0.0.1]', '', 'is the internal address ::ffff:7f00:1'],
    ['https://169.254.169.254/latest', '', 'is the internal address 169.254.169.254'],
    ['https://10.0.0.1', '10.0.0.1:8443', 'put 10.0.0.1:443 into HOLDFAST_WEBHOOK_ALLOW'],
    ['https://hooks.example.com', 'receiver', '"receiver" in it, which is not host:port'],
    ['https://hooks.example.com', 'http://receiver:80', 'is not host:port'],
  ])('%s with "%s" allowed: %s', (url, allow, words) => {
    const endpoint = readEndpoint(url, allow);
    expect(endpoint).toContain(words);
    expect(endpoint).not.toContain('SECRET');
  });
});
