/**
 * The worker's log, for whoever runs the server; the user sees events instead. `message` is constant, data goes into
 * `fields`.
 */
export type Logger = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

const ERROR_CHARS_MAX = 8_000;

/** Writes one line of JSON to stderr. Errors in `fields` are written with their stacks and causes. */
export const logToStderr: Logger = (level, message, fields = {}) => {
  const values = Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? inFull(value) : value]);
  const line = { at: new Date().toISOString(), level, message, ...Object.fromEntries(values) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
};

function inFull(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${inFull(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`.slice(0, ERROR_CHARS_MAX);
}
