import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { diskTest, fillDisk, mountDisk } from '../../support/disk.ts';
import { temporaryFolder } from '../../support/folder.ts';

function logged(level: 'debug' | 'info', write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger(level, { write: (line) => lines.push(line) }));
  return lines.join('');
}

test('redacts credentials at the top level and in nested objects', (t) => {
  const text = logged('info', (logger) => {
    logger.info({ headers: { authorization: 'Bearer s3cret', 'x-api-key': 's3cret', accept: 'kept' } }, 'one');
    logger.info({ req: { headers: { cookie: 's3cret', 'sec-websocket-protocol': 'bearer.s3cret' } } }, 'two');
    logger.info({ body: { password: 's3cret', git_token: 's3cret' }, token: 's3cret' }, 'three');
    logger.child({ refresh_token: 's3cret' }).info('four');
  });
  t.false(text.includes('s3cret'), text);
  t.true(text.includes('kept'));
  t.is(text.trim().split('\n').length, 4);
});

test('writes nothing below its level', (t) => {
  t.is(
    logged('info', (logger) => logger.debug('x')),
    '',
  );
  t.regex(
    logged('debug', (logger) => logger.debug('x')),
    /"msg":"x"/,
  );
});

diskTest('a full disk does not block the logger; it continues when there is space', async (t) => {
  const disk = mountDisk(t, join(await temporaryFolder(t), 'disk'), 1);
  const path = join(disk, 'log');
  const output = openSync(path, 'a');
  fillDisk(disk);
  const program = `
    import { rmSync } from 'node:fs';
    import { createLogger } from ${JSON.stringify(new URL('../../../coordinator/base/logger.ts', import.meta.url).href)};
    const logger = createLogger('info');
    logger.info('full');
    logger.fatal('full still');
    rmSync(${JSON.stringify(join(disk, 'filling'))});
    logger.info('room');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', output, 'inherit'],
  });
  const [code] = await once(child, 'close');
  closeSync(output);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  t.deepEqual([code, lines.map((line) => JSON.parse(line).msg)], [0, ['full', 'full still', 'room']]);
});
