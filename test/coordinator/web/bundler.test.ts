import test from 'ava';
import { withBundler } from '../../../coordinator/web/bundler.ts';
import { childrenOf } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

test('the process of the bundler ends with the last work that uses it', async (t) => {
  const bundlers = () => childrenOf(process.pid).filter((command) => command.includes('esbuild'));
  const stdin = { contents: 'export const answer: number = 42;', loader: 'ts' } as const;
  const [first_done, second_done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = withBundler(async (bundle) => {
    await bundle({ stdin, write: false });
    await first_done.promise;
  });
  const second = withBundler(async (bundle) => {
    await bundle({ stdin, write: false });
    await second_done.promise;
    const { outputFiles } = await bundle({ stdin, write: false });
    return outputFiles?.[0]?.text;
  });
  await until('the bundler runs', () => bundlers().length === 1);
  first_done.resolve();
  await first;
  t.is(bundlers().length, 1);
  second_done.resolve();
  t.regex((await second) ?? '', /42/);
  await until('the bundler has ended', () => bundlers().length === 0);
});
