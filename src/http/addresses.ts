// What an IP address is to the egress policy: ordinary, loopback, or one that nobody may send a request to. Knows the
// ranges and every spelling of an IPv4 address inside an IPv6 one; names and flags are left to egress.ts.
import { BlockList, isIP } from 'node:net';

export type AddressClass = 'ordinary' | 'loopback' | 'forbidden';

/** Link-local, unspecified and broadcast ranges, and the metadata services that live outside them. */
const forbidden = new BlockList();
forbidden.addSubnet('0.0.0.0', 8, 'ipv4');
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addAddress('255.255.255.255', 'ipv4');
forbidden.addAddress('100.100.100.200', 'ipv4'); // Alibaba Cloud
forbidden.addAddress('168.63.129.16', 'ipv4'); // Azure's host agent
forbidden.addAddress('192.0.0.192', 'ipv4'); // Oracle Cloud
forbidden.addAddress('::', 'ipv6');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addSubnet('fd00:ec2::', 32, 'ipv6'); // AWS: metadata ::254, pod identity ::23
forbidden.addAddress('fd20:ce::254', 'ipv6'); // Google Cloud

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
  const embedded = embeddedIpv4(bare);
  return embedded === undefined ? 'ordinary' : inLists(embedded, 'ipv4');
}

function inLists(address: string, family: 'ipv4' | 'ipv6'): AddressClass {
  if (forbidden.check(address, family)) return 'forbidden';
  return loopback.check(address, family) ? 'loopback' : 'ordinary';
}

/**
 * The IPv4 address that an IPv6 address stands for: mapped (::ffff:0:0/96), compatible (::/96, RFC 4291 §2.5.5), NAT64
 * (64:ff9b::/96 and 64:ff9b:1::/48, RFC 6052 and 8215) or 6to4 (2002::/16, RFC 3056).
 */
function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address);
  const [first = 0, second = 0] = groups;
  if (first === 0x2002) return dotted(groups.slice(1, 3));
  const isNat64 = first === 0x64 && second === 0xff9b;
  const isMappedOrCompatible =
    groups.slice(0, 5).every((group) => group === 0) && [0, 0xffff].includes(groups[5] ?? -1);
  return isNat64 || isMappedOrCompatible ? dotted(groups.slice(6, 8)) : undefined;
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
