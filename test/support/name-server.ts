// A name server on loopback: answers A queries from a table, says that there is no other name, and never answers for `*.silent`.
import { createSocket } from 'node:dgram';

/** Address by name; `SERVFAIL` for a name that the server fails over. */
export type NameTable = Readonly<Record<string, string>>;

export interface NameServer {
  /** `A name` or `AAAA name`, in order. */
  readonly asked: string[];
  /** As `dns.setServers` takes it. */
  readonly server: string;
  close(): Promise<void>;
}

export async function startNameServer(table: NameTable): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, endsAt } = questionOf(query);
    asked.push(`${type === 1 ? 'A' : 'AAAA'} ${name}`);
    if (name.endsWith('.silent') || (type !== 1 && name.startsWith('four-only.'))) return;
    const found = table[name];
    const head = Buffer.from(query.subarray(0, endsAt));
    const isAnswered = found !== undefined && found !== 'SERVFAIL' && type === 1;
    head.writeUInt16BE(0x8180 | (found === undefined ? 3 : found === 'SERVFAIL' ? 2 : 0), 2);
    head.writeUInt16BE(isAnswered ? 1 : 0, 6);
    head.fill(0, 8, 12);
    const record = isAnswered ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...found.split('.').map(Number)] : [];
    socket.send(Buffer.concat([head, Buffer.from(record)]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    asked,
    server: `127.0.0.1:${socket.address().port}`,
    close: () => new Promise<void>((resolve) => void socket.close(() => resolve())),
  };
}

/** The first question of a query: RFC 1035 §4.1. */
function questionOf(query: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), endsAt: at + 5 };
}
