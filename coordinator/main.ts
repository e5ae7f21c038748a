import { ConfigError } from './base/config.ts';
import { createLogger, type Logger } from './base/logger.ts';
import { start, type Errand, type StartOptions } from './start/start.ts';
import { print, printBeside } from './cli/io.ts';
import { processOutput } from './cli/process-output.ts';
import type { Line } from './cli/render/line.ts';
import { qrLines } from './cli/render/qr.ts';
import { readServerConfig } from './operations/server-config.ts';
import { welcome } from './start/welcome.ts';

const output = processOutput();
const linesOf = (text: string): Line[] => text.split('\n').map((line) => [line]);
const say = (text: string): void => print(output, linesOf(text));

/**
 * Ends the process: with words for the server's owner where the settings are at fault, else with the cause in the log,
 * whatever its level.
 */
function giveUp(error: unknown): never {
  if (error instanceof ConfigError) printBeside(output, linesOf(error.message));
  else createLogger('error').fatal({ err: error }, 'the server cannot go on');
  process.exit(1);
}

/** A repeat within this time is the same Ctrl-C: the terminal sends it, and `npm start` forwards it too. */
const REPEAT_MS = 1_000;

function stopOnSignals(errand: Errand, logger: Logger): void {
  let stopping_ms: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    // A second signal does not wait.
    if (stopping_ms !== undefined && performance.now() - stopping_ms > REPEAT_MS) process.exit(1);
    if (stopping_ms !== undefined) return;
    stopping_ms = performance.now();
    logger.info({ signal }, 'stopping; workers with a task live on');
    errand.stop().then(() => process.exit(0), giveUp);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/** By then the start is over, and the first workers run. */
const SETTLED_MS = 5_000;

/**
 * Gives back the memory that only the start needed, a tenth of all. V8 does so by itself once much more is allocated,
 * which an idle server never does. `gc` is there if Node runs with `--expose-gc`.
 */
function collectAfterStart(): void {
  setTimeout(() => globalThis.gc?.({ flavor: 'last-resort' }), SETTLED_MS).unref();
}

/** Makes this process the server: reads the settings from its environment, starts, and runs until a signal ends it. */
export async function serve(options: Omit<StartOptions, 'logger' | 'say'> = {}): Promise<void> {
  // What is on disk is whole, and workers live on: whoever supervises this process starts it again.
  process.on('uncaughtException', giveUp);
  try {
    const config = readServerConfig();
    const logger = createLogger(config.log_level);
    const errand = await start(config, { ...options, logger, say });
    // Before the owner reads that it is ready: whoever reads that may stop it at once.
    stopOnSignals(errand, logger);
    collectAfterStart();
    const published = config.public_url && { url: config.public_url, elsewhere: [] };
    print(output, welcome({ ...errand, ...published, qr: qrLines }));
  } catch (error) {
    giveUp(error);
  }
}

if (import.meta.main) void serve();
