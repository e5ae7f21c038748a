import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { logToStderr } from './base/logger.ts';
import { ConfigError, readConfig } from './config.ts';
import { endOnSignals, Worker } from './worker.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')));

try {
  const worker = new Worker({
    config: readConfig(),
    agent: { agent: 'errand', version },
    loadWork: async () => (await import('./loop/run.ts')).work,
    log: logToStderr,
  });
  const started = worker.start();
  endOnSignals(worker, started);
  await started;
  process.exitCode = await worker.ended;
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
