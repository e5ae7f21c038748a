const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The texts of the screen with the changes of an errand, in English. */
export const en_changes = {
  title: 'Changes',
  none: 'Nothing has been changed yet',
  not_here: 'The changes were not loaded before you went offline.',
  truncated: 'The diff was too long and is cut here.',
  viewed: 'viewed',
  anew: 'changed since you viewed it',
  wrap: 'Wrap lines',
  gap: (n: number) => `⋯ ${count(n, 'line', 'lines')}`,
  unfold: (n: number) => `⋯ ${count(n, 'unchanged line', 'unchanged lines')}`,
  fresh: (n: number) => `${count(n, 'line', 'lines')} new since your last look`,
  fresh_line: 'new since your last look: ',
  sign: { added: 'added: ', removed: 'removed: ', same: '' },
  gone: (paths: string) => `No longer changed since your last look: ${paths}`,
  comment: 'Comment on this line',
  comment_on: (line: string) => `Comment on line ${line}`,
  placeholder: 'What should change here?',
  add: 'Add comment',
  edit: 'Change',
  remove: 'Remove',
  you: 'You',
  waits: 'waits to be sent',
  unsent: (n: number) => `${count(n, 'comment', 'comments')} not sent`,
  send: (n: number) => `Send ${count(n, 'comment', 'comments')}`,
  message: 'Comments on your changes:',
  binary: 'Binary file',
  renamed: (from: string) => `was ${from}`,
  large: (n: number) => `${count(n, 'line', 'lines')}: show them`,
  files: (n: number) => count(n, 'file', 'files'),
  line: (n: number) => `line ${n}`,
  removed_line: (n: number) => `removed line ${n}`,
};

export type ChangesStrings = typeof en_changes;
