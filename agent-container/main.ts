import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, readConfig } from './config.ts';
import { logToStderr } from './log.ts';
import { endOnSignals, startWorker } from './worker.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')));

try {
  const starting = startWorker({
    config: readConfig(),
    agent: { agent: 'errand', version },
    loadWork: async () => (await import('./loop/run.ts')).work,
    log: logToStderr,
  });
  endOnSignals(starting);
  process.exitCode = await (await starting).ended;
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
