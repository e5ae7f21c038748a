import { logToStderr } from './base/logger.ts';
import { ConfigError, readConfig } from './config.ts';
import agent_package from './package.json' with { type: 'json' };
import { endOnSignals, Worker } from './worker.ts';

async function main(): Promise<void> {
  try {
    const worker = new Worker({
      config: readConfig(),
      agent: { agent: 'errand', version: agent_package.version },
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
}

void main();
