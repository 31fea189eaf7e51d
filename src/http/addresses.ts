// What an IP address is to the egress policy: ordinary, loopback, or one that nobody may send a request to. Knows the
// ranges and every spelling of an IPv4 address inside an IPv6 one; names and flags are left to egress.ts.
import { BlockList, isIP } from 'node:net';

export type AddressClass = 'ordinary' | 'loopback' | 'forbidden';

/**
 * Link-local, unspecified and broadcast ranges, and the metadata services that live outside them, as CIDR. The chart's
 * NetworkPolicy is made of the same list.
 */
export const forbiddenRanges: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] } = {
  ipv4: [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '255.255.255.255/32',
    '100.100.100.200/32', // Alibaba Cloud
    '168.63.129.16/32', // Azure's host agent
    '192.0.0.192/32', // Oracle Cloud
  ],
  ipv6: [
    '::/128',
    'fe80::/10',
    'fd00:ec2::/32', // AWS: metadata ::254, pod identity ::23
    'fd20:ce::254/128', // Google Cloud
  ],
};

const forbidden = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const range of forbiddenRanges[family]) {
    const [network = '', bits] = range.split('/');
    forbidden.addSubnet(network, Number(bits), family);
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Class of an address in any textual form that `net.isIP` knows, zone included; what is not an address is forbidden. */
export function classifyAddress(address: string): AddressClass {
  const [bare = ''] = address.split('%');
  const version = isIP(bare);
  if (version === 4) return inLists(bare, 'ipv4');
  if (version !== 6) return 'forbidden';
  const direct = inLists(bare, 'ipv6');
  if (direct !== 'ordinary') return direct;
  const embedded = embeddedIpv4(bare).map((inner) => inLists(inner, 'ipv4'));
  return (
    embedded.find((found) => found === 'forbidden') ?? embedded.find((found) => found === 'loopback') ?? 'ordinary'
  );
}

function inLists(address: string, family: 'ipv4' | 'ipv6'): AddressClass {
  if (forbidden.check(address, family)) return 'forbidden';
  return loopback.check(address, family) ? 'loopback' : 'ordinary';
}

/**
 * The IPv4 addresses that an IPv6 address stands for, or is reached through: mapped (::ffff:0:0/96), compatible (::/96, RFC
 * 4291 §2.5.5), translated (::ffff:0:0:0/96, RFC 2765), NAT64 (64:ff9b::/96 and 64:ff9b:1::/48, RFC 6052 and 8215), 6to4
 * (2002::/16, RFC 3056), Teredo (2001::/32: the server, and the client with its bits turned, RFC 4380) and ISATAP (an
 * interface of ::5efe:a.b.c.d, RFC 5214).
 */
function embeddedIpv4(address: string): readonly string[] {
  const groups = ipv6Groups(address);
  const [first = 0, second = 0, , , fifth = 0, sixth = 0] = groups;
  const last = groups.slice(6, 8);
  const isZeroTo = (end: number) => groups.slice(0, end).every((group) => group === 0);
  const isNat64 = first === 0x64 && second === 0xff9b;
  const isMappedOrCompatible = isZeroTo(5) && [0, 0xffff].includes(sixth);
  const isTranslated = isZeroTo(4) && fifth === 0xffff && sixth === 0;
  // The bits for "universal" and "group" may stand in the interface (§6.1).
  const isIsatap = (fifth & 0xfcff) === 0 && sixth === 0x5efe;
  const found: string[] = [];
  if (first === 0x2002) found.push(dotted(groups.slice(1, 3)));
  if (first === 0x2001 && second === 0) {
    found.push(dotted(groups.slice(2, 4)), dotted(last.map((group) => group ^ 0xffff)));
  }
  if (isNat64 || isMappedOrCompatible || isTranslated || isIsatap) found.push(dotted(last));
  return found;
}

/** The eight 16-bit groups of a valid IPv6 address. The URL parser turns a dotted tail into groups. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const before = parse(head);
  if (tail === undefined) return before;
  const after = parse(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function dotted(groups: readonly number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}
