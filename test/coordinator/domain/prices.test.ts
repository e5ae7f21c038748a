import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ConfigError } from '../../../coordinator/base/config.ts';
import {
  costOf,
  higherPrice,
  demoPrices,
  PriceTable,
  ratesUpTo,
  type Price,
} from '../../../coordinator/domain/prices.ts';
import { readPrices } from '../../../coordinator/operations/price-table.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Random } from '../../support/random.ts';

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

test('each current model has its documented price', (t) => {
  const prices = readPrices(undefined);
  const documented: [model: string, input: number, output: number, written: number, hour: number, read: number][] = [
    ['claude-fable-5-2', 8, 40, 10, 16, 0.2],
    ['claude-fable-5-1', 10, 50, 12.5, 20, 0.25],
    ['claude-opus-5-5', 4, 20, 5, 8, 0.2],
    ...['claude-opus-5', 'claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6', 'claude-opus-4-5-20251101'].map(
      (model): [string, number, number, number, number, number] => [model, 5, 25, 6.25, 10, 0.5],
    ),
    ['claude-sonnet-5-5', 2, 10, 2.5, 4, 0.1],
    ['claude-sonnet-5', 2, 10, 2.5, 4, 0.2],
    ['claude-sonnet-4-6', 3, 15, 3.75, 6, 0.3],
    ['claude-haiku-5-5', 0.1, 0.5, 0.125, 0.2, 0.01],
    ['claude-haiku-4-5-20251001', 1, 5, 1.25, 2, 0.1],
  ];
  for (const [model, input, output, cache_write_5m, cache_write_1h, cache_read] of documented)
    t.like(prices.of(model), { input, output, cache_write_5m, cache_write_1h, cache_read }, model);
});

test('a request that costs one of two prices never costs more than the higher of both', (t) => {
  const table = PriceTable.parse(JSON.parse(readFileSync('coordinator/domain/prices.json', 'utf8')));
  const random = new Random(3);
  for (const one of Object.values(table))
    for (const other of Object.values(table))
      for (let times = 0; times < 20; times++) {
        const part = () => random.whole(0, 60_000);
        const [input, read, written, hour] = [part(), part(), part(), part()];
        const tokens = { input, cache_read: read, cache_write_5m: written, cache_write_1h: hour, output: part() };
        const rates = ratesUpTo(higherPrice(one, other), input + read + written + hour);
        for (const price of [one, other]) t.true(costOf(price, tokens) <= costOf(rates, tokens) + 1e-12);
      }
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
