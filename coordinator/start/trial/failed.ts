import { tmpdir } from 'node:os';
import { ErrandError } from '../../../protocol/problem.ts';
import { ConfigError } from '../../base/config.ts';
import { DiskFull } from '../../sqlite/event-log.ts';

export const MORE_SPACE = 'Free some space there, or name a folder that has more';
export const OTHER_FOLDER = 'TMPDIR=/var/tmp npm run try';

/** Why a trial failed, in words for who started it. Undefined: the error is not for people. */
export function whyFailed(error: unknown): string | undefined {
  if (isDiskFull(error)) return `${tmpdir()} is full. ${MORE_SPACE}: ${OTHER_FOLDER}`;
  return error instanceof ConfigError || error instanceof ErrandError ? error.message : undefined;
}

/** Also where a part of the server has told so in words of its own. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DiskFull) return true;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL' || isDiskFull(error.cause);
}
