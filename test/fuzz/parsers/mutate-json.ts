import type { Random } from '../../support/random.ts';
import { mutateBytes } from './mutate-bytes.ts';

/** How often the text is changed rather than the value that it stands for. */
const TEXT_SHARE = 0.15;

const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'length',
  'then',
  '',
  'type',
  'id',
  '0',
  '\ud800',
  'x'.repeat(300),
];
const SCALARS = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e300,
  5e-324,
  '',
  ' ',
  '\0',
  '\ud800',
  '\u2028',
  'null',
  '0',
  '1e9',
  'a'.repeat(101),
  'é'.repeat(2_001),
  '2026-01-01T00:00:00Z',
  '2026-13-99T99:99:99.999Z',
  '01a0b1c2d3e4f5',
  '../../etc/passwd',
  'https://user:pass@[::1]:0/%00',
];
const WORDS = [
  '"__proto__":{"a":1},',
  '{}',
  '[]',
  '1e999',
  '-0',
  '0.1e-7',
  '"\\ud800"',
  '"\\u0000"',
  ',',
  ':',
  '"',
  '\\',
  '\ufeff',
  '{"type":"log",',
  '['.repeat(250),
  '['.repeat(3_000),
  '{"a":'.repeat(700),
  '[[],'.repeat(900),
].map((word) => Buffer.from(word));

/** Changes one place of a JSON text, in its structure or its characters. */
export function mutateJson(random: Random, input: Buffer, other: Buffer): Buffer {
  if (random.next() < TEXT_SHARE) return mutateBytes(random, input, other, WORDS);
  try {
    const donor = () => anyPart(random, JSON.parse(other.toString()));
    return Buffer.from(JSON.stringify(mutateValue(random, JSON.parse(input.toString()), donor)));
  } catch {
    // It is not JSON, or nested too deeply to be written.
    return mutateBytes(random, input, other, WORDS);
  }
}

function mutateValue(random: Random, value: unknown, donor: () => unknown): unknown {
  if (typeof value !== 'object' || value === null || random.next() < 0.15) return replaced(random, value, donor);
  if (Array.isArray(value)) return mutateArray(random, [...(value as unknown[])], donor);
  return mutateObject(random, { ...value }, donor);
}

function mutateArray(random: Random, items: unknown[], donor: () => unknown): unknown[] {
  const at = random.whole(0, items.length - 1);
  const kind = random.next();
  if (items.length === 0 || kind < 0.1) return [...items, donor()];
  if (kind < 0.2) return items.toSpliced(at, 1);
  if (kind < 0.3) return items.toSpliced(at, 0, items[at]);
  return items.with(at, mutateValue(random, items[at], donor));
}

function mutateObject(random: Random, object: Record<string, unknown>, donor: () => unknown): Record<string, unknown> {
  const keys = Object.keys(object);
  const kind = random.next();
  if (keys.length === 0 || kind < 0.05)
    return Object.fromEntries([...Object.entries(object), [random.pick(KEYS), donor()]]);
  const key = random.pick(keys);
  if (kind < 0.12) delete object[key];
  else if (kind < 0.16)
    return Object.fromEntries(Object.entries(object).map(([k, v]) => [k === key ? random.pick(KEYS) : k, v]));
  else object[key] = mutateValue(random, object[key], donor);
  return object;
}

function replaced(random: Random, value: unknown, donor: () => unknown): unknown {
  switch (random.whole(0, 5)) {
    case 0:
    case 1:
      return random.pick(SCALARS);
    case 2:
      return donor();
    case 3:
      return [value];
    case 4:
      return typeof value === 'number' ? value + random.pick([-1, 1, 0.5]) : nested(random.pick([2, 50, 198, 202]));
    default:
      return typeof value === 'string' ? mutateText(random, value) : { value };
  }
}

function mutateText(random: Random, text: string): string {
  const at = random.whole(0, text.length);
  const piece = random.pick(['', ' ', '\n', '/', '..', '\0', 'é', '\ud83d', '%2e', text]);
  return text.slice(0, at) + piece + text.slice(at + random.pick([0, 1, 3]));
}

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function anyPart(random: Random, value: unknown): unknown {
  let part = value;
  while (typeof part === 'object' && part !== null && random.next() < 0.7) {
    const inner: unknown[] = Object.values(part);
    if (inner.length === 0) break;
    part = inner[random.whole(0, inner.length - 1)];
  }
  return part;
}
