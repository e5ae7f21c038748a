/** What the server's owner is told about a data folder whose disk is full. */
export function fullFault(dir: string): string {
  return `The disk of the data folder ${dir} is full: free some space and start Errand again.`;
}

/** What the owner is told, and what to do, about an error of the file system in the data folder; undefined: another. */
export function folderFault(dir: string, error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return fullFault(dir);
  return `Errand cannot use its data folder ${dir}: ${error.message}.\n${adviceFor(String(error.code))}`;
}

function adviceFor(code: string): string {
  switch (code) {
    case 'EROFS':
      return 'Its disk is read-only: mount it for writing, or set ERRAND_DATA to a folder on another disk. With systemd, name the folder in ReadWritePaths of the unit. A disk that became read-only by itself may be failing: see the system log (dmesg).';
    case 'EEXIST':
    case 'ENOTDIR':
      return 'A file is where a folder should be. Set ERRAND_DATA to the path of a folder, or move the file away.';
    case 'ENOENT':
    case 'ELOOP':
      return 'A part of the path cannot be followed, such as a link that leads nowhere. Set ERRAND_DATA to a folder that exists or can be made.';
    case 'EIO':
      return 'The disk failed: see the system log (dmesg).';
    default:
      return 'Make the user that runs Errand the owner of the folder and its contents, or set ERRAND_DATA to another folder.';
  }
}
