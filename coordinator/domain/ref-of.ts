/** The ref of a branch, with a character for each byte, as the commands of a push have it. */
export function refOf(branch: string): string {
  return `refs/heads/${Buffer.from(branch).toString('latin1')}`;
}
