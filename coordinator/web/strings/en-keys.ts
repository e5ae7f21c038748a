/** What the keys of the app do. */
export const en_keys = {
  title: 'Keys',
  next: 'next errand',
  previous: 'errand before',
  open: 'open it',
  search: 'search',
  new_errand: 'new errand',
  reply: 'say something',
  changes: 'changes of the errand',
  inbox: 'to the inbox',
  settings: 'to the settings',
  back: 'back',
  lines: 'line before or after, in the changes',
  send_comments: 'send the comments',
  all: 'all keys',
  help: 'these keys',
};
