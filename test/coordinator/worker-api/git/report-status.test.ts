import test from 'ava';
import type { Push } from '../../../../coordinator/worker-api/git/push-commands.ts';
import { refusalReport } from '../../../../coordinator/worker-api/git/report-status.ts';

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);

const push = (...refs: string[]): Push => ({
  commands: refs.map((ref) => ({ old: OLD, new: NEW, ref })),
  capabilities: ['report-status'],
  shallow: [],
});

test('a report is plain or in the side band, and split where it is long', (t) => {
  const { commands } = push('refs/heads/main');
  const plain = `000eunpack ok\n001ang refs/heads/main no\n0000`;
  t.is(refusalReport({ commands, capabilities: ['report-status'], shallow: [] }, ['no'])?.toString(), plain);
  const banded = refusalReport({ commands, capabilities: ['report-status-v2', 'side-band-64k'], shallow: [] }, ['no']);
  t.is(banded?.toString(), `${(plain.length + 5).toString(16).padStart(4, '0')}\x01${plain}0000`);
  t.is(refusalReport({ commands, capabilities: [], shallow: [] }, ['no']), undefined);
  const many = push(...Array.from({ length: 1000 }, (_, i) => `refs/heads/${'x'.repeat(80)}${i}`));
  const long = refusalReport({ ...many, capabilities: ['report-status', 'side-band-64k'] }, []);
  t.is(long?.subarray(0, 5).toString('latin1'), 'fff0\x01');
  t.is(long?.subarray(65_520 + 4, 65_520 + 5).toString('latin1'), '\x01');
});
