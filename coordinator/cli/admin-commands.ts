import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beginsWith, type Synopsis } from './command.ts';

/*
 * Commands that work on a server's data folder, on the server's machine. They are a program of their own, `coordinator/admin/`: it needs the server's
 * code, which an installed command line does not have.
 */

const PROGRAM = fileURLToPath(new URL('../admin/main.ts', import.meta.url));

/** How each of them is typed, and what it does. */
export const ADMIN_COMMANDS = {
  backup: { name: 'backup', operands: [], summary: 'Back up the database to ERRAND_BACKUP_TO, while the server runs' },
  restore: {
    name: 'restore',
    operands: ['[NAME|FILE]'],
    summary: 'Replace the database by a backup; the server must be stopped',
  },
} as const satisfies Record<string, Synopsis>;

/** Whether one of them was typed, or the help of one. `argv`: what follows `errand`. */
export function isAdminCommand(argv: readonly string[]): boolean {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  return Object.values(ADMIN_COMMANDS).some(({ name }) => beginsWith(words, name));
}

/**
 * Replaces this process by the server's own program, which so has the terminal, the signals and the exit code for itself. Returns only where that
 * program cannot be run, with what to tell the person.
 */
export function runAdminCommand(argv: readonly string[]): string {
  if (existsSync(PROGRAM))
    process.execve?.(process.execPath, [process.execPath, ...process.execArgv, PROGRAM, ...argv]);
  return "This command runs on the server's machine, in Errand's folder.";
}
