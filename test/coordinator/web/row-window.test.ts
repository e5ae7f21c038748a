import test from 'ava';
import { ROWS_MAX, ROWS_STEP, RowWindow } from '../../../coordinator/web/app/errand/row-window.ts';
import { Random } from '../../support/random.ts';

const rows = (from: number, end: number) => Array.from({ length: end - from }, (_, i) => ({ key: `r${from + i}` }));

test('a window is bounded and without a gap, whatever comes at both ends, and reaches both', (t) => {
  const random = new Random(7);
  let [first, last] = [4_000, 4_200];
  const shown = new RowWindow();
  for (let step = 0; step < 400; step++) {
    const before = shown.of(rows(first, last), false);
    switch (random.whole(0, 4)) {
      case 0:
        first = Math.max(0, first - random.whole(0, 200));
        break;
      case 1:
        last += random.whole(0, 5);
        break;
      case 2:
        shown.earlier();
        break;
      case 3:
        if (before.end < last - first) shown.later();
        break;
      case 4:
        if (random.next() < 0.05) shown.toEnd();
    }
    const { from, end } = shown.of(rows(first, last), false);
    t.true(from >= 0 && end <= last - first && from < end, `step ${step}`);
    t.true(end - from <= ROWS_MAX);
    t.true(end - from >= Math.min(last - first, 200), `step ${step}: ${end - from} rows`);
  }
  for (let i = 0; i < 6_000 / ROWS_STEP; i++) {
    shown.earlier();
    first = Math.max(0, first - 200);
    shown.of(rows(first, last), false);
  }
  t.is(shown.of(rows(first, last), false).from, 0);
  for (let i = 0; i < 6_000 / ROWS_STEP; i++) {
    shown.later();
    shown.of(rows(first, last), false);
  }
  t.deepEqual(shown.of(rows(first, last), false), { from: last - ROWS_MAX, end: last });
});

test('a window at the beginning stays there, whatever comes at both ends, until it is moved', (t) => {
  const shown = new RowWindow();
  shown.of(rows(1_000, 1_600), true);
  shown.toBeginning();
  t.deepEqual(shown.of(rows(1_000, 1_600), false), { from: 0, end: ROWS_MAX });
  t.deepEqual(shown.of(rows(800, 1_700), false), { from: 0, end: ROWS_MAX });
  shown.later();
  t.deepEqual(shown.of(rows(800, 1_700), false), { from: ROWS_STEP, end: ROWS_STEP + ROWS_MAX });
  shown.toBeginning();
  t.is(shown.of(rows(800, 1_700), true).end, 900, 'whoever goes to the end leaves it');
});

test('what one reads stays in the page: only its own moves change the first row', (t) => {
  const shown = new RowWindow();
  const keys = (from: number, end: number, follows = false) => {
    const all = rows(from, end);
    const range = shown.of(all, follows);
    return all.slice(range.from, range.end).map(({ key }) => key);
  };
  t.is(keys(1_000, 1_300, true)[0], 'r1100');
  t.is(keys(1_000, 1_310, true)[0], 'r1110', 'at the end old rows go');
  t.is(keys(1_000, 1_310)[0], 'r1110');
  t.is(keys(1_000, 1_350)[0], 'r1110');
  t.is(keys(500, 1_350)[0], 'r1110', 'earlier rows alone change nothing');
  shown.earlier();
  t.is(keys(500, 1_350)[0], `r${1_110 - ROWS_STEP}`);
  t.is(
    keys(500, 3_000).at(-1),
    `r${1_110 - ROWS_STEP + ROWS_MAX - 1}`,
    'what is new stays outside until one gets there',
  );
  t.is(keys(500, 3_000, true)[0], 'r2800', 'at the end again');
});

test('who reads at the end stays there when the front of the list, and the row that was counted from, are gone', (t) => {
  const shown = new RowWindow();
  t.deepEqual(shown.of(rows(0, 300), false), { from: 100, end: 300 });
  t.deepEqual(shown.of(rows(200, 400), true), { from: 0, end: 200 });
});
