export const BRANCH_CHARS_MAX = 200;

/** Whether git allows a name for a branch (git-check-ref-format), and it does not look like an option. */
export function isBranchName(name: string): boolean {
  return (
    name.length <= BRANCH_CHARS_MAX &&
    /^[^\p{Cc}]+$/u.test(name) &&
    !/[\s~^:?*[\\]|\.\.|@\{|\/\/|\.lock(\/|$)|(^|\/)\.|\/$|\.$|^\/|^-|^@$/.test(name) &&
    !name.startsWith('refs/')
  );
}
