import { en_errand } from './en-errand.ts';
import { en_needs } from './en-needs.ts';
import { en_link } from './en-link.ts';
import type { Effort, FailureReason, TaskStatus } from '../../../protocol/task.ts';

/** Every text of the app, in English. The other languages have the same keys. */
export const en = {
  app: 'Errand',
  back: 'Back',
  cancel: 'Cancel',
  close: 'Close',
  save: 'Save',
  loading: 'Loading…',
  update: 'A new version is ready',
  update_now: 'Reload',
  incomplete: 'A part of the app could not be loaded',
  full: 'This device has no room: what is new is not kept',
  no_storage: 'This browser does not let Errand keep anything: its storage is full, blocked or damaged.',
  not_emptied:
    'Errand could not remove what this browser keeps. Remove the data of this site in the settings of the browser.',

  access: {
    lead: 'Send your own server a git repository and a sentence. A coding agent does the work, runs the tests and pushes a branch.',
    email: 'E-mail',
    password: 'Password',
    new_password: 'New password',
    password_hint: 'At least 10 characters',
    log_in: 'Log in',
    sign_up: 'Create account',
    own: 'Set up your server',
    join: 'Join this server',
    join_lead: 'You are invited: make your account.',
    own_lead: 'Nobody has an account here yet. The first one owns this server.',
    to_sign_up: 'No account yet? Create one',
    to_log_in: 'Have an account? Log in',
    working: 'One moment…',
    ended: 'Your log-in has ended. Log in again: what you wrote is still here.',
    untold:
      'This device has forgotten everything. The server cannot be reached yet: it is told as soon as it can while this page is open. Until then this log-in is in your list of devices.',
    insecure: 'This page came without TLS. Anyone on the way can read your password.',
  },

  live: {
    live: 'live',
    catching_up: 'catching up',
    connecting: 'connecting',
    offline_since: (time: string) => `offline since ${time}`,
    intercepted: 'log in at the proxy',
    server_away: (time: string) => `server away since ${time}`,
    logged_out: 'logged out',
    failed: 'not connected',
  },

  inbox: {
    title: 'Errands',
    new_errand: 'New errand…',
    needs_you: 'Needs you',
    at_work: 'At work',
    done: 'Done',
    unsent: 'Not sent',
    search: 'Search',
    nothing_found: 'Nothing found',
    settings: 'Settings',
    empty_title: 'No errands yet',
    empty: 'Send the sample: a small repository with a failing test. The agent finds out why and fixes it.',
    send_sample: 'Send the sample errand',
    sample_prompt: 'Make the tests pass',
    list: 'Your errands',
    actions: (title: string) => `Actions: ${title}`,
    archived: 'Archived',
    unread: 'New: ',
    only_here: 'Only what this device knows: the server cannot be reached.',
  },

  status: {
    queued: 'Waiting',
    starting: 'Starting',
    running: 'Running',
    waiting: 'Needs you',
    parked: 'Needs you',
    succeeded: 'Done',
    failed: 'Failed',
    cancelled: 'Stopped',
  } satisfies Record<TaskStatus, string>,

  waiting: {
    queue: (place: string) => `In the queue, place ${place}`,
    queue_until: (time: string) => `Next attempt at ${time}`,
    queue_held: (reason: string) => `Nothing can start now: ${reason}`,
    worker: 'Starting a worker',
    repository: 'Fetching the repository',
    model: 'Thinking',
    model_silent: (time: string) => `No word from the model for ${time}`,
    command: 'Running',
    limit: (time: string) => `Waits until ${time}`,
    person: 'Waits for your answer',
    silent_worker: (time: string) => `No word from the worker; at ${time} another takes over`,
    stopping: 'Stopping: the work so far is pushed',
    working: 'At work',
  },

  reason: {
    worker_lost: 'The worker was lost',
    worker_hung: 'The worker made no progress',
    worker_start_failed: 'No worker could be started',
    out_of_memory: 'It ran out of memory',
    model_unavailable: 'The Claude API could not be reached',
    repository_unavailable: 'The repository could not be reached',
    push_failed: 'The push did not work',
    repository_not_found: 'The repository or its branch was not found',
    push_rejected: 'The push was refused',
    setup_failed: 'The setup command failed',
    verify_failed: 'The verify command failed',
    budget_exhausted: 'The budget is spent',
    spending_cap: 'The limit of the month is reached',
    turn_limit: 'It took as many turns as it may',
    time_limit: 'It took as long as it may',
    refused: 'The model refused to continue',
    model_rejected: 'The Claude API refused the request',
    context_exhausted: 'The conversation became too long',
    stuck: 'It went round in circles',
    disk_full: 'The disk is full',
    workspace_full: 'The workspace became too large',
    log_full: 'It wrote too much into its log',
    agent_error: 'Something went wrong in the agent',
  } satisfies Record<FailureReason, string>,

  errand: en_errand,

  tool: {
    read_file: 'read',
    search: 'search',
    list_files: 'list',
    edit_file: 'edit',
    write_file: 'write',
    run_command: '',
    stop_command: 'stop command',
  },

  attach: {
    add: 'Attach a file',
    camera: 'Take a photo',
    pictures: 'Choose pictures',
    files: 'Choose files',
    see: 'See the attached files.',
    remove: (name: string) => `Remove ${name}`,
    sending: (name: string) => `${name} is being sent`,
    fault: {
      too_large: (most: string) => `A file may have ${most} at most.`,
      too_many: () => 'Too many files for one message.',
      no_room: () => 'There is no room for it on this device.',
      unreadable: () => 'The file is empty, or cannot be read.',
      not_taken: () => 'The file was not taken. Try again.',
    },
  },
  note: {
    schedule_paused: (name: string, failures: number) =>
      `The schedule “${name}” is paused: ${failures} errands in a row failed`,
    withdrawn: 'You took back a message before it was heard',
    model: (model: string, effort: string) => `From here on: ${model}, ${effort}`,
    attempt: (n: number) => `Attempt ${n}`,
    attempt_over: (why: string, time: string) => `${why}. Next attempt at ${time}`,
    retried: (why: string, time: string) => `The model’s answer was lost (${why}). Again at ${time}`,
    shortened: 'The conversation was shortened to fit',
    limit: {
      turns: (used: string, of: string) => `${used} of ${of} turns used`,
      budget: (used: string, of: string) => `${used} of ${of} spent`,
      time: (used: string, of: string) => `${used} of ${of} used`,
      context: (used: string, of: string) => `${used} of ${of} tokens of context used`,
    },
    pushed: (branch: string) => `Pushed to ${branch}`,
    pushed_wip: (branch: string) => `Work in progress pushed to ${branch}`,
    budget: (money: string) => `The budget is now ${money}`,
    cancelling: 'Stop asked for: the worker pushes its work and ends',
  },

  fresh: {
    sample: 'The sample repository',
  },

  effort: { low: 'low', medium: 'medium', high: 'high', xhigh: 'very high', max: 'highest' } satisfies Record<
    Effort,
    string
  >,

  link: en_link,

  needs: en_needs,
  pull: {
    untitled: 'Pull request',
    state: {
      opening: 'being opened',
      open: 'open',
      draft: 'draft',
      merged: 'merged',
      closed: 'closed',
      failed: 'not opened',
    },
    checks: {
      none: '',
      running: 'checks run',
      passed: 'checks passed',
      cancelled: 'checks cancelled',
      failed: 'checks failed',
    },
  },

  problem: {
    unreachable: 'The server cannot be reached now.',
    wrong_credentials:
      'The e-mail address or the password is wrong. Forgotten? The owner of the server can give you a new one.',
    signup_closed: 'Sign-up is closed on this server: its owner can invite you.',
    link_invalid:
      'No such code: it was mistyped or cut off, was used, or has expired. Paste the whole link, or ask for a new one.',
    account_blocked: 'The owner of this server has blocked your account.',
    setup_code_wrong: 'The code is missing or mistyped: take the whole link that the server printed when it started.',
    email_taken: 'There is an account with this e-mail address already.',
    rate_limited: 'Too many attempts. Wait a little.',
    unavailable: 'The server is busy or its disk is full. Try again later.',
    internal: 'Something went wrong on the server.',
    too_old: 'It waited for longer than a week.',
    unknown: 'Something went wrong.',
  } as Record<string, string>,
  /** What the server says where the app has no words of its own. */
  server_says: (detail: string) => detail,
  /** What there is in English alone. */
  in_english: (text: string) => text,
  /** `detail`: what the worker says of a repository or a branch that is missing. */
  missing_repository: (detail: string) => detail,

  time: {
    now: 'now',
  },
};

/** The texts of the app in one language. */
export type Strings = typeof en;
