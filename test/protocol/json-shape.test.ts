import test from 'ava';
import { shapeFault, type ShapeLimits } from '../../protocol/json-shape.ts';
import { Random } from '../support/random.ts';

const WIDE: ShapeLimits = { depth_max: 50, nodes_max: 1e6, elements_max: 1e6, keys_max: 1e6 };
const fault = (text: string, limits: Partial<ShapeLimits> = {}) =>
  shapeFault(Buffer.from(text), { ...WIDE, ...limits });

type Shape = { depth: number; nodes: number; elements: number; keys: number };

/** The same measures of a parsed value. */
function measure(value: unknown): Shape {
  const shape = { depth: 0, nodes: 1, elements: 0, keys: 0 };
  const visit = (inner: unknown, depth: number): void => {
    if (typeof inner !== 'object' || inner === null) return;
    const entries = Object.entries(inner);
    const own = Array.isArray(inner) ? 'elements' : 'keys';
    shape.depth = Math.max(shape.depth, depth);
    shape[own] = Math.max(shape[own], entries.length);
    shape.nodes += Math.max(1, entries.length) + (own === 'keys' ? entries.length : 0);
    for (const [, child] of entries) visit(child, depth + 1);
  };
  visit(value, 1);
  return shape;
}

const TEXTS = ['', 'a', '"', '\\', '\\"', '[{,:}]', '\u2028é😀', 'x"]},{"y', '\\\\'];

/** Text that is longer than what is searched byte by byte, with quotes and backslashes anywhere. */
function longText(random: Random): string {
  return Array.from({ length: random.whole(1, 8) }, () =>
    random.pick([...TEXTS, 'z'.repeat(random.whole(50, 80))]),
  ).join('');
}

function randomValue(random: Random, depth = 0): unknown {
  const kind = random.whole(0, depth > 5 ? 3 : 6);
  const children = () => Array.from({ length: random.whole(0, 4) }, () => randomValue(random, depth + 1));
  if (kind < 2) return random.pick([random.pick(TEXTS), longText(random)]);
  if (kind === 2) return random.next() * 1e9;
  if (kind === 3) return random.pick([null, true, false]);
  if (kind < 5) return children();
  return Object.fromEntries(children().map((child, i) => [random.pick(TEXTS) + String(i), child]));
}

test('a text passes exactly if what it parses to is within every limit', (t) => {
  const random = new Random(9);
  for (let i = 0; i < 2_000; i++) {
    const value = randomValue(random);
    const text = JSON.stringify(value, null, random.pick([0, 2]));
    const { depth, nodes, elements, keys } = measure(value);
    const exact = { depth_max: depth, nodes_max: nodes, elements_max: elements, keys_max: keys };
    t.is(fault(text, exact), undefined, text);
    if (depth > 0) t.regex(fault(text, { depth_max: depth - 1 }) ?? '', /nested deeper than/, text);
    if (nodes > 1) t.regex(fault(text, { nodes_max: nodes - 1 }) ?? '', /values and keys/, text);
    if (elements > 1) t.regex(fault(text, { elements_max: elements - 1 }) ?? '', /too many elements/, text);
    if (keys > 1) t.regex(fault(text, { keys_max: keys - 1 }) ?? '', /too many elements/, text);
  }
});

test('a text that is not JSON is counted without an error, whatever it is cut off at', (t) => {
  const random = new Random(10);
  for (let i = 0; i < 2_000; i++) {
    const bytes = Buffer.from(JSON.stringify(randomValue(random)));
    bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
    t.is(typeof (shapeFault(bytes.subarray(0, random.whole(0, bytes.length)), WIDE) ?? ''), 'string');
  }
  for (const text of [']', '}}}}', '"', '"\\', '[1,2', '::::', '']) t.is(fault(text), undefined, text);
});

test('a text with too much structure is refused however it is written', (t) => {
  const limits = { depth_max: 20, nodes_max: 1_000, elements_max: 300, keys_max: 100 };
  const many = 100_000;
  for (const text of [
    '['.repeat(many),
    '{"a":'.repeat(many),
    `[${'0,'.repeat(many)}0]`,
    `{${'"a":0,'.repeat(many)}"a":0}`,
    `[${'[],'.repeat(many)}0]`,
    `{"a":[${'"x" , '.repeat(many)}0]}`,
    ','.repeat(many),
    ':'.repeat(many),
  ])
    t.is(typeof fault(text, limits), 'string', text.slice(0, 20));
});
