import type { Random } from '../../support/random.ts';

/** The longest input. A long one costs the time of many short ones, and finds little that they do not. */
const BYTES_MAX = 4_096;

const NUMBERS = [0, 1, 2, 4, 5, 0x7f, 0x80, 0xfe, 0xff];

/** Changes a few bytes: removes, repeats, overwrites or inserts some, or takes some of the other input. */
export function mutateBytes(random: Random, input: Buffer, other: Buffer, words: readonly Buffer[]): Buffer {
  let bytes = input;
  for (let rounds = random.pick([1, 1, 1, 2, 4]); rounds > 0; rounds--) bytes = mutateOnce(random, bytes, other, words);
  return bytes.subarray(0, BYTES_MAX);
}

function mutateOnce(random: Random, input: Buffer, other: Buffer, words: readonly Buffer[]): Buffer {
  const at = random.whole(0, input.length);
  const length = Math.min(random.pick([1, 1, 2, 4, 16, 64]), input.length - at);
  const [before, piece, after] = [input.subarray(0, at), input.subarray(at, at + length), input.subarray(at + length)];
  switch (random.whole(0, 6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, ...Array.from({ length: random.pick([2, 2, 8]) }, () => piece), after]);
    case 2:
      return Buffer.concat([before, noise(random, length), after]);
    case 3:
      return Buffer.concat([before, random.pick(words), piece, after]);
    case 4:
      return Buffer.concat([before, random.pick(words), after]);
    case 5: {
      const from = random.whole(0, other.length);
      return Buffer.concat([before, other.subarray(from, from + random.pick([4, 16, 64, 1_000])), after]);
    }
    default:
      return withNumber(random, input, at);
  }
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.whole(0, 255)));
}

/** Adds a little to a byte, or sets it: lengths are where binary parsers go wrong. */
function withNumber(random: Random, input: Buffer, at: number): Buffer {
  const bytes = Buffer.from(input);
  if (at >= bytes.length) return bytes;
  const near = (bytes[at] ?? 0) + random.pick([-2, -1, 1, 2]);
  bytes[at] = random.next() < 0.5 ? near & 0xff : random.pick(NUMBERS);
  return bytes;
}
