/**
 * The exit codes of the command line. `needs_you`: an errand that was watched waits for its person. `closed_pipe`: as of
 * a program that SIGPIPE ended, of which no outcome is known.
 */
export const EXIT = {
  succeeded: 0,
  failed: 1,
  trouble: 2,
  cancelled: 3,
  needs_you: 4,
  interrupted: 130,
  closed_pipe: 141,
} as const;
