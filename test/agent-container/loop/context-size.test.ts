import test from 'ava';
import { ContextSize } from '../../../agent-container/loop/context-size.ts';

const usage = (tokens: number) => ({
  input_tokens: tokens,
  cache_write_tokens: 0,
  cache_read_tokens: 0,
  output_tokens: 0,
});

test('a summary that has to pay for itself halves the conversation, and what is said again beside it does not count', (t) => {
  const size = new ContextSize();
  size.add(3, usage(25_000));
  size.add(5, usage(26_000));
  size.add(7, usage(32_000));
  t.is(size.cut(5_000, true), null);
  t.is(size.cut(5_000, false), 7);
  size.add(9, usage(60_000));
  t.is(size.cut(5_000, true), 9);
  size.clear();
  t.is(size.cut(5_000, true), null);
});
