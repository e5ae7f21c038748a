import { execFileSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CommandFiles } from '../../../agent-container/shell/shell-state.ts';
import { diskTest, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';

diskTest('on a full disk a command still runs, so that it can make room', async (t) => {
  const folder = await temporaryFolder(t);
  const [full, other] = [mountDisk(t, join(folder, 'full'), 1), mountDisk(t, join(folder, 'other'), 1)];
  execFileSync('sh', ['-c', `head -c 2000000 /dev/zero > ${full}/filled || true`], { stdio: 'ignore' });
  const files = await CommandFiles.write([full, other], 'echo made room', Buffer.from(folder));
  t.is(execFileSync('bash', files.bash_args, { encoding: 'utf8' }), 'made room\n');
  t.like(await files.readState([]), { cwd: Buffer.from(process.cwd()) });
  await files.remove();
  t.deepEqual([await readdir(full), await readdir(other)], [['filled'], []]);
  execFileSync('sh', ['-c', `head -c 2000000 /dev/zero > ${other}/filled || true`], { stdio: 'ignore' });
  await t.throwsAsync(CommandFiles.write([full, other], 'x', Buffer.from(folder)), { code: 'ENOSPC' });
  t.deepEqual([await readdir(full), await readdir(other)], [['filled'], ['filled']]);
});

test('a state that is missing, cut off or not complete is none', async (t) => {
  const files = await CommandFiles.write([await temporaryFolder(t)], 'true', Buffer.from('/'));
  t.is(await files.readState([]), undefined);
  const dir = files.bash_args.at(-1) ?? '';
  for (const text of ['', '/x', '/a\nx', '/a\nx\0A=1\0', '/a\nx\0A=1\0EN']) {
    await writeFile(join(dir, 'state'), text);
    t.is(await files.readState([]), undefined, JSON.stringify(text));
  }
  await writeFile(join(dir, 'state'), '/a\n\nx\0A=1\0B=\0_=no\0C=no\0END\0');
  t.deepEqual(await files.readState(['C']), { cwd: Buffer.from('/a\n'), env: { A: '1', B: '' } });
  await rm(dir, { recursive: true });
  t.is(await files.readState([]), undefined);
});
