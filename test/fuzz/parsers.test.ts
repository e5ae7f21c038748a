import test from 'ava';
import { fuzz } from './parsers/fuzz.ts';

/* A short run of `npm run fuzz`. `ERRAND_FUZZ_SEED=… npx ava test/fuzz/parsers.test.ts` repeats its inputs. */

const SEED = Number(process.env['ERRAND_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const INPUTS = 150_000;

test('every parser accepts or refuses any input in bounded time, and what it accepts is stable', async (t) => {
  t.timeout(180_000);
  t.log(`ERRAND_FUZZ_SEED=${SEED}`);
  const outcomes = await fuzz({ inputs: INPUTS, seed: SEED });
  // A parser that accepts nothing, or everything, was not tried.
  t.deepEqual(
    outcomes.filter(({ accepted }) => accepted === 0).map(({ name }) => name),
    [],
  );
  t.deepEqual(
    outcomes.filter(({ ways }) => ways < 2).map(({ name }) => name),
    [],
  );
});
