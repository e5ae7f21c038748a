import test from 'ava';
import { ConfigError, readConfig } from '../../../coordinator/base/config.ts';

const DAY_MS = 24 * 3600_000;
const MB = 1024 * 1024;

test('the limits are settings; all invalid ones are reported at once', (t) => {
  const env = {
    ERRAND_KEEP_DAYS: '30',
    ERRAND_KEEP_LOG_MB: '512',
    ERRAND_KEEP_WORKSPACES_DAYS: '0',
    ERRAND_KEEP_WORKSPACES_MB: '100',
  };
  t.like(readConfig(env), {
    keep_ms: 30 * DAY_MS,
    keep_log_bytes: 512 * MB,
    keep_workspaces_ms: 0,
    keep_workspaces_bytes: 100 * MB,
  });
  const wrong = {
    ERRAND_KEEP_DAYS: '0',
    ERRAND_KEEP_LOG_MB: '1',
    ERRAND_KEEP_WORKSPACES_DAYS: '-1',
    ERRAND_KEEP_WORKSPACES_MB: 'all',
  };
  const { message } = t.throws(() => readConfig(wrong), { instanceOf: ConfigError });
  for (const name of Object.keys(wrong)) t.regex(message, new RegExp(`^  ${name} `, 'm'));
});
