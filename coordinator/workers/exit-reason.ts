import type { FailureReason } from '../../protocol/task.ts';
import { lastWords } from './redact-output.ts';
import type { WorkerEnd } from './runner.ts';

/** Why an attempt is lost whose worker went before it had reported a result, in words for a person. */
export function wordsForEnd(end: WorkerEnd): { reason: FailureReason; detail: string } {
  if (end.out_of_memory)
    return { reason: 'out_of_memory', detail: 'The worker needed more memory than the server gives it.' };
  const how = end.exit_code === null ? 'has gone' : `exited with code ${end.exit_code}`;
  const words = lastWords(end.output);
  const said = words === '' ? '' : ` Its last words: ${words}`;
  return { reason: 'worker_lost', detail: `The worker ${how} before it had reported a result.${said}` };
}
