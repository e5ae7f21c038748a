import { createHash } from 'node:crypto';
import { constants, deflateRawSync, deflateSync } from 'node:zlib';

/* Packs of a few megabytes that hold gigabytes. */

const MB = 1024 * 1024;
const BLOB = 3;
/** The modulus of Adler-32. */
const ADLER = 65_521;
const REF_DELTA = 7;

/** The type and the size of an object, as they stand before its content. */
function objectHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size % 16)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push((bytes.pop() ?? 0) | 0x80);
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

function pack(objects: Buffer[], count = objects.length): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(count, 8);
  const all = Buffer.concat([head, ...objects]);
  return Buffer.concat([all, createHash('sha1').update(all).digest()]);
}

function blobId(content: Buffer): Buffer {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest();
}

/** One blob of this many megabytes of zeros. A block of deflate that was flushed may be repeated. */
export function zeros(megabytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MB), { finishFlush: constants.Z_FULL_FLUSH });
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((((megabytes * MB) % ADLER) * 65_536 + 1) >>> 0);
  const content = [Buffer.from([0x78, 0x9c]), ...Array<Buffer>(megabytes).fill(block), deflateRawSync(''), sum];
  return pack([Buffer.concat([objectHeader(BLOB, megabytes * MB), ...content])]);
}

function deltaSize(size: number): number[] {
  const bytes = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  return bytes;
}

/** A small blob, and this many deltas that each copy it until they have this many megabytes. */
export function deltas(count: number, megabytes: number): Buffer {
  const base = Buffer.alloc(MB - 1);
  const copy = [0b1111_0000 | 0x80, base.length & 0xff, (base.length >> 8) & 0xff, (base.length >> 16) & 0xff];
  const size = base.length * megabytes;
  const objects = [Buffer.concat([objectHeader(BLOB, base.length), deflateSync(base)])];
  for (let i = 0; i < count; i++) {
    const own = String(i);
    const delta = Buffer.from([
      ...deltaSize(base.length),
      ...deltaSize(size + own.length),
      ...Array.from({ length: megabytes }, () => copy).flat(),
      own.length,
      ...Buffer.from(own),
    ]);
    objects.push(Buffer.concat([objectHeader(REF_DELTA, delta.length), blobId(base), deflateSync(delta)]));
  }
  return pack(objects);
}

/** This many tiny blobs, all different. */
export function crumbs(count: number): Buffer {
  const objects = Array.from({ length: count }, (_, i) => {
    const content = Buffer.from(String(i));
    return Buffer.concat([objectHeader(BLOB, content.length), stored(content)]);
  });
  return pack(objects);
}

/** A zlib stream of one block that is not compressed: compressing the many blobs would take most of the time. */
function stored(content: Buffer): Buffer {
  const tail = Buffer.alloc(4);
  let [low, high] = [1, 0];
  for (const byte of content) {
    low = (low + byte) % ADLER;
    high = (high + low) % ADLER;
  }
  tail.writeUInt32BE(high * 65_536 + low);
  const { length } = content;
  const head = Buffer.from([0x78, 0x01, 1, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff]);
  return Buffer.concat([head, content, tail]);
}

/** One tiny object, in a pack that says it has four billion. */
export function boast(): Buffer {
  return pack([Buffer.concat([objectHeader(BLOB, 1), deflateSync('x')])], 0xffff_ffff);
}
