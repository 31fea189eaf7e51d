// RC2 (RFC 2268), decryption only: old PKCS#12 files hide their certificates with it, and OpenSSL 3 no longer reads it.

/** Decrypts whole blocks in CBC mode, with as many effective bits as the key has; padding stays. */
export function decryptRc2(data: Buffer, key: Buffer, vector: Buffer): Buffer {
  const words = expandKey(key);
  const plain = Buffer.alloc(data.length);
  let previous = vector;
  for (let at = 0; at + 8 <= data.length; at += 8) {
    const block = data.subarray(at, at + 8);
    decryptBlock(words, block).forEach((word, index) => {
      plain.writeUInt16LE(word ^ previous.readUInt16LE(index * 2), at + index * 2);
    });
    previous = block;
  }
  return plain;
}

function decryptBlock(words: readonly number[], block: Buffer): Uint16Array {
  const r = Uint16Array.from({ length: 4 }, (_, index) => block.readUInt16LE(index * 2));
  const word = (index: number) => r[index & 3] ?? 0;
  let key = 63;
  for (let round = 15; round >= 0; round--) {
    for (let i = 3; i >= 0; i--) {
      const rotate = rotations[i] ?? 0;
      const rotated = (word(i) >>> rotate) | (word(i) << (16 - rotate));
      r[i] = rotated - (words[key] ?? 0) - (word(i + 3) & word(i + 2)) - (~word(i + 3) & word(i + 1));
      key -= 1;
    }
    if (round === 5 || round === 11) {
      for (let i = 3; i >= 0; i--) r[i] = word(i) - (words[word(i + 3) & 63] ?? 0);
    }
  }
  return r;
}

const rotations = [1, 2, 3, 5];

function expandKey(key: Buffer): readonly number[] {
  const bytes = Buffer.alloc(128);
  key.copy(bytes);
  const at = (index: number) => bytes[index] ?? 0;
  for (let i = key.length; i < 128; i++) bytes[i] = piTable[(at(i - 1) + at(i - key.length)) & 255] ?? 0;
  const start = 128 - key.length;
  bytes[start] = piTable[at(start)] ?? 0;
  for (let i = start - 1; i >= 0; i--) bytes[i] = piTable[at(i + 1) ^ at(i + key.length)] ?? 0;
  return Array.from({ length: 64 }, (_, index) => bytes.readUInt16LE(index * 2));
}

/** Section 2 of the RFC: a permutation of the bytes, from the digits of pi. */
const piTable = Buffer.from(
  [
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2',
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82',
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626',
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7',
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec',
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731',
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9',
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  ].join(''),
  'hex',
);
