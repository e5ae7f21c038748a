import { chmodSync } from 'node:fs';

export const NOBODY = 65_534;

/** Does something as a user who has no rights to a folder or a file beyond `mode`. Root becomes one. */
export function asAnotherUser(path: string, mode: number, act: () => void): void {
  const is_root = process.getuid?.() === 0;
  if (is_root) process.seteuid?.(NOBODY);
  else chmodSync(path, mode);
  try {
    act();
  } finally {
    if (is_root) process.seteuid?.(0);
    else chmodSync(path, 0o700);
  }
}
