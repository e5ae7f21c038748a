import test from 'ava';
import { given } from '../../../coordinator/web/store/written.ts';
import { readGiven } from '../../../coordinator/web/parts/form.ts';

test('words that were stored elsewhere go from the start of a text, and what was written behind them stays', (t) => {
  t.is(given('yes', { without: 'yes' }), '');
  t.is(given('yes please', { without: 'yes' }), 'please');
  t.is(given('yes\nplease', { without: 'yes' }), 'please');
  t.is(given('yesterday', { without: 'yes' }), 'yesterday');
  t.is(given('no', { without: 'yes' }), 'no');
});

test('of the stored fields of a form only texts are read, and none of what is no JSON', (t) => {
  t.deepEqual(readGiven('{"name":"shop","budget":5,"also":null}'), { name: 'shop' });
  for (const text of ['', 'null', '5', '{"name":']) t.deepEqual(readGiven(text), {}, text);
});
