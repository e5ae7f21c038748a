/** The texts of pull requests, in English. */
export const en_pulls = {
  open_of: (n: number) => (n === 1 ? 'Open a pull request' : `Open ${n} pull requests`),
  asking: 'Asking the forge…',
  again: 'Try again',
  project_token: 'Token of the project',
  new_project: 'Make a project with a token',
  failed_checks: 'Not passed:',
  check: {
    failed: (name: string) => name,
    needs_action: (name: string) => `${name} (needs an action)`,
    cancelled: (name: string) => `${name} (cancelled)`,
  },
  conflicts: (base: string | null) =>
    `Conflicts with ${base ?? 'the default branch'}: checks may not run until that is merged.`,
  as: { app: 'opened by the app: you can approve it', person: 'opened with the token that pushes' },
  not_as_app: 'opened with the token that pushes, whose owner cannot approve it: the app is not installed there',
  retry_at: (time: string) => `Tried again at ${time}.`,
  happened: {
    opened: (name: string) => `Opened ${name}`,
    reopened: (name: string) => `${name} is open again`,
    merged: (name: string) => `${name} was merged`,
    closed: (name: string) => `${name} was closed`,
    not_opened: (name: string) => `${name} could not be opened`,
    checks_failed: (name: string) => `Checks failed on ${name}`,
  },
  read: (what: string) => `Read for the agent: ${what}`,
  not_read: (name: string, why: string) => `${name} could not be read: ${why}. The agent has its number alone.`,
  unread: {
    no_token: 'there is no token for its forge',
    refused: 'the forge does not let the token read it',
    not_found: 'the forge shows no such issue to the token',
    rate_limited: 'the forge takes no more calls for now',
    unreachable: 'the forge does not answer',
    failed: 'the server failed, its log says why',
  },
  name: (number: number) => `pull request #${number}`,
  wanted: 'Pull requests',
  kinds: { none: 'Only when I ask', draft: 'Open a draft', ready: 'Open, ready for review' },
  author: 'Opened by',
  authors: { app: 'The app, so that I can approve it', person: 'Me' },
  author_hint: 'Where the app is not installed, you open it all the same.',
};
export type PullsStrings = typeof en_pulls;
