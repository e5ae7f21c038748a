import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitBill } from '../src/split-bill.js';

test('an even bill is split evenly', () => {
  assert.deepEqual(splitBill(1200, 3), [400, 400, 400]);
});

test('one person pays it all', () => {
  assert.deepEqual(splitBill(999, 1), [999]);
});

test('no cent is lost where the bill does not divide', () => {
  assert.deepEqual(splitBill(1000, 3), [334, 333, 333]);
});

test('a bill for nobody is refused', () => {
  assert.throws(() => splitBill(1000, 0), RangeError);
});
