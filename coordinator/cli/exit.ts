/** The exit codes of the command line. `closed_pipe`: as of a program that SIGPIPE ended, of which no outcome is known. */
export const EXIT = { succeeded: 0, failed: 1, trouble: 2, cancelled: 3, interrupted: 130, closed_pipe: 141 } as const;
