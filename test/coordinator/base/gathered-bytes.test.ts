import test from 'ava';
import { GatheredBytes } from '../../../coordinator/base/gathered-bytes.ts';
import { Random } from '../../support/random.ts';

const MB = 1024 * 1024;

test('whatever a body declares and however it comes, its bytes are those that came', (t) => {
  const random = new Random(11);
  for (let i = 0; i < 60; i++) {
    const size = random.pick([0, 1, 600, 5_000, MB - 1, MB, 3 * MB]);
    const sent = Buffer.from(Array.from({ length: size }, (_, at) => at % 251));
    const gathered = new GatheredBytes(random.pick([0, size, size + 1_000, Math.floor(size / 2)]), 4 * MB);
    for (let at = 0; at < size;) {
      const end = Math.min(size, at + random.pick(size > MB ? [64 * 1024, 2 * MB] : [999, 64 * 1024]));
      gathered.add(sent.subarray(at, end));
      at = end;
    }
    t.true(gathered.bytes.equals(sent), `${size}`);
  }
});

test('a body that declares its length has memory of its own, which no copy is made of', (t) => {
  const gathered = new GatheredBytes(3 * MB, 4 * MB);
  for (let i = 0; i < 48; i++) gathered.add(Buffer.alloc(MB / 16));
  const { buffer, byteOffset, byteLength } = gathered.bytes;
  t.deepEqual([byteOffset, byteLength], [0, buffer.byteLength]);
});

test('a body takes no memory for what it only declares, past a megabyte', (t) => {
  const gathered = new GatheredBytes(32 * MB, 32 * MB);
  gathered.add(Buffer.alloc(1));
  t.is(gathered.bytes.buffer.byteLength, MB);
});
