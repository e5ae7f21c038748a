import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { readConfig } from '../../coordinator/base/config.ts';
import { temporaryFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const unit = readFileSync(join(ROOT, 'coordinator/errand.service'), 'utf8');
/** CI must have systemd, so that no test is skipped there. */
const has_systemd = process.env.CI === 'true' || spawnSync('systemd-analyze', ['--version']).status === 0;

test('the unit starts what npm start does, with settings that are known', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [, program = ''] = /^ExecStart=\/opt\/errand\/(\S+)$/m.exec(unit) ?? [];
  t.true(scripts.start.endsWith(`exec ./${program}`));
  t.true(existsSync(join(ROOT, program)));
  const environment = /^Environment=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  const config = readConfig(Object.fromEntries(environment.map((entry) => entry.split('='))));
  t.is(config.data_dir, '/var/lib/errand');
});

(has_systemd ? test : test.skip)('systemd accepts the unit', async (t) => {
  const path = join(await temporaryFolder(t), 'errand.service');
  await writeFile(path, unit.replaceAll('/opt/errand/', ROOT));
  const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', path]);
  t.is(stderr, '');
});
