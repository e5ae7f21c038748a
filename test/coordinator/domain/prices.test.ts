import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ConfigError } from '../../../coordinator/base/config.ts';
import { costOf, demoPrices, type Price } from '../../../coordinator/domain/prices.ts';
import { readPrices } from '../../../coordinator/operations/price-table.ts';
import { temporaryFolder } from '../../support/folder.ts';

const NONE = { input: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, output: 0 };

function cost(price: Price | undefined, tokens: Partial<typeof NONE>): number {
  if (!price) throw new Error('There is no such price.');
  return costOf(price, { ...NONE, ...tokens });
}

test('each kind of token has its own rate', (t) => {
  const price = readPrices(undefined).of('claude-sonnet-5-5');
  t.is(cost(price, { input: 1e6 }), 2);
  t.is(cost(price, { output: 1e6 }), 10);
  t.is(cost(price, { cache_write_5m: 1e6 }), 2.5);
  t.is(cost(price, { cache_write_1h: 1e6 }), 4);
  t.is(cost(price, { cache_read: 1e6 }), 0.1);
});

test('the rates for long prompts apply to the whole request', (t) => {
  const price = readPrices(undefined).of('claude-haiku-5-5');
  t.is(cost(price, { input: 50_000, cache_read: 50_000 }), (50_000 * 0.1 + 50_000 * 0.01) / 1e6);
  t.is(cost(price, { input: 50_000, cache_read: 50_001 }), (50_000 * 0.5 + 50_001 * 0.05) / 1e6);
});

test('finds a model by its dated name and no unknown model', (t) => {
  const prices = readPrices(undefined);
  t.true(prices.has('claude-opus-4-6-20260205'));
  t.false(prices.has('claude-unheard-of'));
  t.false(prices.has('__proto__'));
  t.false(prices.has('demo'));
  t.true(demoPrices().has('demo'));
  t.false(demoPrices().has('claude-sonnet-5-5'));
});

test('offers no model of generation 4.5: they support neither adaptive thinking nor compaction', (t) => {
  const prices = readPrices(undefined);
  for (const model of ['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5']) t.false(prices.has(model));
});

test('a file overrides and adds prices; its faults are named', async (t) => {
  const file = join(await temporaryFolder(t), 'prices.json');
  const rates = { input: 1, output: 2, cache_write_5m: 3, cache_write_1h: 4, cache_read: 5 };
  await writeFile(file, JSON.stringify({ 'claude-sonnet-5-5': rates, mine: rates }));
  const prices = readPrices(file);
  t.is(cost(prices.of('claude-sonnet-5-5'), { input: 1e6 }), 1);
  t.true(prices.has('mine') && prices.has('claude-opus-5-5'));
  await writeFile(file, JSON.stringify({ mine: { ...rates, input: -1 } }));
  t.throws(() => readPrices(file), { instanceOf: ConfigError, message: /mine\.input/ });
  t.throws(() => readPrices(`${file}.none`), { instanceOf: ConfigError, message: /does not exist/ });
});
