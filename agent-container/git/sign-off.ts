import type { Git } from './git.ts';
import { isWip } from './wip-commit.ts';

/** How many of the newest commits show what the project is used to. */
const COMMITS = 20;
const CONTROLS = /(?![\n\t])\p{Cc}/gu;
/** Without these, git takes a line of dashes for the start of a patch, and a heading at the end for a comment. */
const AS_IT_IS = ['-c', 'core.commentChar=\u0001', 'interpret-trailers', '--no-divider'];
const TRAILERS = '--format=%(trailers:key=Signed-off-by,valueonly,separator=%x2C)%x00';

/** The message without characters that git refuses or takes for signs of its own, which a model may write. */
export const withoutControls = (message: string): string => message.replace(CONTROLS, '');

/** Whether most of the newest commits of the base are signed off: such a project may take no others. */
export async function signsOff(own: Git, base_commit: string | null): Promise<boolean> {
  if (base_commit === null) return false;
  const { code, stdout } = await own.try(['log', `-${COMMITS}`, '--no-merges', TRAILERS, base_commit]);
  const commits = stdout.toString('utf8').split('\0').slice(0, -1);
  const signed = commits.filter((trailers) => trailers.trim() !== '');
  return code === 0 && signed.length * 2 > commits.length;
}

/** The message of finished work, signed off by the author where the project does that. */
export async function signedOff(own: Git, base_commit: string | null, message: string): Promise<string> {
  if (isWip(message) || !(await signsOff(own, base_commit))) return message;
  const author = (await own.run(['var', 'GIT_AUTHOR_IDENT'])).replace(/ \d+ [+-]\d{4}$/, '');
  const trailer = ['--if-exists', 'addIfDifferent', '--trailer', `Signed-off-by: ${author}`];
  return `${await own.run([...AS_IT_IS, ...trailer], { input: withoutControls(message) })}\n`;
}
