import type { Entry } from '../../../client/sync/outbox-entry.ts';

/** What a person does to an errand of the list without a word. */
const SILENT: readonly string[] = ['stop', 'retry', 'archive'];

/** Whether an entry is not sent yet, or will not be, and shows in no other row of the list. */
export function isUnsent({ action, refused, failed }: Entry): boolean {
  return action.do === 'send' || (SILENT.includes(action.do) && (refused ?? failed) !== undefined);
}
