import type { Output } from './io.ts';
import { columnsOf } from './render/text.ts';

/** Where this process prints to. */
export function processOutput(): Output {
  const { stdout, stderr } = process;
  const { NO_COLOR, TERM } = process.env;
  const live = stdout.isTTY && TERM !== 'dumb';
  return {
    stdout,
    stderr,
    live,
    get columns() {
      return columnsOf(stdout);
    },
    color: live && (NO_COLOR ?? '') === '',
  };
}
