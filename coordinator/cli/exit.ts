/** The exit codes of the command line. */
export const EXIT = { succeeded: 0, failed: 1, trouble: 2, cancelled: 3, interrupted: 130 } as const;
