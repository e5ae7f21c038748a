import test from 'ava';
import { Id, idAfter, newId } from '../../protocol/ids.ts';

test('ids sort in the order of their making, also within a millisecond', (t) => {
  const ids = Array.from({ length: 10_000 }, () => newId(1_800_000_000_000));
  t.deepEqual(ids.toSorted(), ids);
  t.is(new Set(ids).size, ids.length);
  for (const id of ids) Id.parse(id);
});

test('an id of a later time sorts after all ids of an earlier one', (t) => {
  const early = newId(1_800_000_000_000);
  const late = newId(1_800_000_000_001);
  t.true(late > early);
  t.true(newId(1_800_000_000_000) < late, 'also where the clock was set back');
});

test('an id after another one sorts right behind it', (t) => {
  const id = newId(1_800_000_000_000);
  const neighbour = newId(1_800_000_000_000);
  const next = Id.parse(idAfter(id));
  t.not(next, neighbour, 'an id of the same millisecond may be in use elsewhere');
  t.true(next > id);
  t.true(next < newId(1_800_000_000_001));
});
