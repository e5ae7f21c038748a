import { trackedIn, type Git } from './git.ts';
import { namesOf } from './names-of.ts';
import type { Branches } from './own-repository.ts';
import { signsOff } from './sign-off.ts';
import { submodulesIn } from './submodules.ts';

/** Of pre-commit, lefthook, simple-git-hooks, Overcommit and CaptainHook; for Husky and by custom, the hooks. */
const HOOK_FILE =
  /(?:^|\/)(?:\.pre-commit-config\.ya?ml|\.?lefthook\.(?:ya?ml|toml|json)|\.simple-git-hooks\.\w+|\.overcommit\.yml|captainhook\.json|\.(?:husky|githooks)\/(?:pre-commit|commit-msg|prepare-commit-msg|pre-push))$/;

/** What a complete clone would have and this one does not, and how to get it: sentences for the model. */
export async function cloneFacts(
  own: Git,
  { base_branch, base_commit, work_branch }: Branches & { base_commit: string | null },
  lfs_note: string | null = null,
): Promise<string[]> {
  const [shallow, staged, lfs, is_signing_off] = await Promise.all([
    own.try(['rev-parse', '--is-shallow-repository']),
    own.try(['ls-files', '-s', '-z']),
    own.try(['grep', '-q', '--cached', '-e', 'filter=lfs', '--', '*.gitattributes']),
    signsOff(own, base_commit),
  ]);
  const history = shallow.stdout.toString('utf8').startsWith('true')
    ? ['The clone has only the newest part of the history: git fetch --unshallow gets the rest.']
    : [];
  const submodules = submodulesIn(staged.stdout);
  const hooks = hooksIn(staged.stdout);
  return [
    ...history,
    'Tags and other branches are not fetched: git fetch --tags, or git fetch origin <branch>, gets them.',
    `Should the work be brought up to date with ${base_branch}: git fetch origin ${base_branch} && git merge FETCH_HEAD.`,
    ...(work_branch === undefined ? [] : [describeNamed(work_branch)]),
    describeMessages(is_signing_off),
    ...(submodules.length > 0 ? [describeSubmodules(submodules)] : []),
    ...(lfs.code === 0 ? [describeLfs(own, lfs_note)] : []),
    ...(hooks.length > 0 ? [describeHooks(hooks)] : []),
  ];
}

/** The files by which usual programs for git hooks are set up, in the output of `git ls-files -s -z`. */
function hooksIn(listed: Buffer): string[] {
  return trackedIn(listed).filter((path) => HOOK_FILE.test(path));
}

function describeHooks(paths: string[]): string {
  return (
    `The commit that is made when you end runs no git hooks, and the repository has some (${namesOf(paths)}): before you end, run ` +
    'what they would run on the files that you changed.'
  );
}

/** Nobody changes them: their ids may have been told, and others may have built on them. */
function describeMessages(is_signing_off: boolean): string {
  const sign_off = is_signing_off ? ' Sign them off, as the project does: git commit -s.' : '';
  return (
    'Commits that you make yourself are pushed with your messages: mention nobody there with an @, and close no issue ' +
    `(as "Fixes #1" does), unless the task asks for it.${sign_off}`
  );
}

function describeLfs({ has_lfs }: Git, note: string | null): string {
  if (!has_lfs) return 'Files of Git LFS are only pointers here, and changes of them cannot be pushed.';
  return (
    note ?? 'Files of Git LFS have their content here. Changes of them are stored with Git LFS when they are pushed.'
  );
}

function describeNamed(branch: string): string {
  return (
    `Your work is pushed to ${branch}, a branch that others use too: keep the commits that are there (no amend, rebase or ` +
    'reset of them), and merge what they push meanwhile.'
  );
}

function describeSubmodules(paths: string[]): string {
  return (
    `Submodules (${namesOf(paths)}) are not checked out: git submodule update --init gets those that are repositories of this task, ` +
    'and those with an https:// address that the network reaches without a password. Changes in a submodule are not pushed.'
  );
}
