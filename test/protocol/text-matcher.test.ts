import test from 'ava';
import { findText } from '../../protocol/secrets/find-text.ts';
import { TextMatcher, type Covered } from '../../protocol/secrets/text-matcher.ts';
import { Random } from '../support/random.ts';

const textOf = (random: Random, length: number, chars: string) =>
  Array.from({ length }, () => random.pick(Array.from(chars))).join('');

/** The same as the matcher says, found by a look at each place of each word. */
function coverOneByOne(words: string[], text: string): { parts: Covered[]; open: number } {
  const parts: Covered[] = [];
  for (let start = 0; start < text.length; start++) {
    const [longest] = words.filter((word) => text.startsWith(word, start)).sort((a, b) => b.length - a.length);
    if (longest === undefined) continue;
    const [last, end] = [parts.at(-1), start + longest.length];
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else parts.push({ start, end, index: words.indexOf(longest) });
  }
  const beginnings = words.flatMap((word) => Array.from(word, (_, i) => word.slice(0, i)));
  const open = beginnings.reduce((most, each) => (text.endsWith(each) ? Math.max(most, each.length) : most), 0);
  return { parts, open };
}

test('finds what a search for each word at each place finds', (t) => {
  const random = new Random(11);
  for (let n = 0; n < 3_000; n++) {
    const chars = random.pick(['ab', 'abc', 'a\u0000\uffffü', 'abcdefghij']);
    const words = [
      ...new Set(Array.from({ length: random.whole(1, 8) }, () => textOf(random, random.whole(1, 6), chars))),
    ];
    const text = textOf(random, random.whole(0, 40), chars);
    const { parts, open } = new TextMatcher(words).cover(text);
    t.deepEqual({ parts, open }, coverOneByOne(words, text), JSON.stringify([words, text]));
  }
});

test('looks at two nodes for each character at most, whatever the words and the text have in common', (t) => {
  const same = 'a'.repeat(9_000);
  const ends = Array.from({ length: 100 }, (_, i) => `b${i}`);
  const cases: [words: string[], text: string][] = [
    [ends.map((end) => same + end), 'a'.repeat(40_000)],
    [ends.map((end) => same + end), `${same}b`.repeat(4)],
    [ends.map((end) => `${end}${same}`), `b1${same}`.repeat(4)],
    [Array.from({ length: 200 }, (_, i) => 'a'.repeat(i + 1)), 'a'.repeat(40_000)],
  ];
  for (const [words, text] of cases) {
    const { steps } = new TextMatcher(words).cover(text);
    t.true(steps <= 2 * text.length, `${steps} for ${text.length}`);
  }
});

test('another matcher finds the same with the automaton of the first, copied to another thread', (t) => {
  const { automaton } = new TextMatcher(['secret', 'crete']);
  const copied = structuredClone(automaton);
  t.is(copied.fail.buffer.byteLength, automaton.fail.buffer.byteLength);
  t.deepEqual(new TextMatcher(copied).cover('a secrete').parts, [{ start: 2, end: 9, index: 0 }]);
});

test('finds a part of a text where indexOf does', (t) => {
  const random = new Random(13);
  for (let n = 0; n < 3_000; n++) {
    const [text, part] = [textOf(random, random.whole(0, 30), 'ab'), textOf(random, random.whole(0, 5), 'ab')];
    const from = random.whole(0, text.length);
    t.is(findText(text, part, from), text.indexOf(part, from), JSON.stringify([text, part, from]));
  }
});
