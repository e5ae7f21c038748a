import test from 'ava';
import { createLogger } from '../../coordinator/logger.ts';

function logged(level: 'debug' | 'info', write: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger(level, { write: (line) => lines.push(line) }));
  return lines.join('');
}

test('credentials are struck out of the log, at the top and in what it holds', (t) => {
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

test('what is below its level is not written', (t) => {
  t.is(
    logged('info', (logger) => logger.debug('x')),
    '',
  );
  t.regex(
    logged('debug', (logger) => logger.debug('x')),
    /"msg":"x"/,
  );
});
