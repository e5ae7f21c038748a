import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { withoutDocuments, withoutRequests } from '../../../coordinator/web/protocol-for-browsers.ts';

const PROTOCOL = join(import.meta.dirname, '../../../protocol');

test('what only the documents say of the protocol does not reach a browser, and the rest is as it was', (t) => {
  for (const name of readdirSync(PROTOCOL).filter((each) => each.endsWith('.ts'))) {
    const text = readFileSync(join(PROTOCOL, name), 'utf8');
    const code = withoutDocuments(text);
    t.notRegex(code, /\.describe\(\s*(["'`]|\w+\()/, name);
    t.notRegex(code, /\bsummary: ["'`]/, name);
    const paths = (from: string) => from.match(/^ +path: .*$/gm);
    t.deepEqual(paths(code), paths(text), name);
  }
});

test('a text that is not recognised stays', (t) => {
  const texts = [
    'z.string().describe(words)',
    "event('a', meaning, {})",
    "{ summary: `of ${name}` + tail, path: '/a' }",
  ];
  for (const text of texts) t.is(withoutDocuments(text), text);
  t.is(withoutDocuments(`z.string().describe('a' +\n  "b").optional()`), 'z.string().optional()');
});

test('of a route a browser has where it is and what it answers, and nothing else is changed', (t) => {
  for (const name of readdirSync(PROTOCOL).filter((each) => each.endsWith('routes.ts'))) {
    const text = readFileSync(join(PROTOCOL, name), 'utf8');
    const code = withoutRequests(text);
    const kept = (from: string) => from.match(/^ +(method|path|status|response|idempotent|takes_bytes): .*$/gm);
    t.deepEqual(kept(code), kept(text), name);
    t.notRegex(code, /^ {4}(auth|scope|body|query|params): .*,$/m, name);
  }
});
