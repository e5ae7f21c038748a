import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { replaceFile } from '../../../agent-container/base/regular-file.ts';
import { temporaryFolder } from '../../support/folder.ts';

test('a file that cannot be replaced leaves nothing else behind', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'file'));
  await t.throwsAsync(replaceFile(join(folder, 'file'), 'x'), { code: 'EISDIR' });
  t.deepEqual(await readdir(folder), ['file']);
});
