/** What the model and the person are told about a workspace that is not what the transcript says. */

type Loss = {
  branch: string;
  base_branch: string;
  commit: string | null;
  /** The commit of the task's branch on the forge; null: nothing was pushed. */
  pushed: string | null;
  moved: string | null;
};

/** The workspace of the transcript is gone, and this is a new clone. */
export function describeLoss({ branch, base_branch, commit, pushed, moved }: Loss): string {
  const at = commit === null ? '' : `, at the commit ${commit.slice(0, 12)}`;
  const there =
    pushed === null
      ? `Nothing of the earlier work had been pushed, so none of it is here: this is the state of ${base_branch}${at}.`
      : `It has what was last pushed to the branch ${branch} (${pushed.slice(0, 12)}); uncommitted changes among that are uncommitted again. What was changed after that push is not here.`;
  const found =
    moved === null
      ? ''
      : ` Other files were found in the folder of the repository. They were moved to ${moved}, where you can read them.`;
  return (
    `The workspace in which the conversation so far took place is gone, and the repository was cloned again. ${there}${found} ` +
    'Packages that were installed, build outputs, untracked files, background commands and long outputs of the earlier ' +
    'workspace are gone too. Compare the files with what you did earlier, do again what is missing, and check it.'
  );
}

/** The workspace is that of the transcript, but the transcript goes on after the newest turn that began in it. */
export function describeOlder(found: number, expected: number): string {
  const then = found === 0 ? 'before your first turn' : `during your turn ${found}`;
  return (
    `The files of the workspace are older than the conversation: they are as they were ${then}, and the ` +
    `conversation goes on to turn ${expected}. What was changed in between is missing here; what was pushed of it is on ` +
    'the branches of the remote. Compare the files with what you did, do again what is missing, and check it.'
  );
}

type Repair = {
  /** Follows "The .git folder". */
  fault: string;
  commit: string | null;
  /** Whether the newest commit of the broken repository could be read. */
  kept: boolean;
  moved: string | null;
};

/** The `.git` of the agent did not work, and was made anew. */
export function describeRepair({ fault, commit, kept, moved }: Repair): string {
  const at = commit === null ? 'without commits' : `at the commit ${commit.slice(0, 12)}`;
  const commits = kept
    ? 'Your commits on it are kept.'
    : 'Commits that were made after that one could not be read: their changes are still in the files, as uncommitted changes.';
  const old = moved === null ? '' : ` The old one was moved to ${moved}.`;
  return (
    `The .git folder of the repository ${fault}. It was made anew, on the task's branch, ${at}.${old} ${commits} ` +
    'The index, stashes, other branches and settings of the old one are gone. No other file was changed: check with git ' +
    'status and git diff that all is as you want it.'
  );
}

type Taken = { branch: string; before: string | null; after: string | null };

/** The files have what others have pushed to a branch of the task. */
export function describeTaken({ branch, before, after }: Taken): string {
  const range = [before, after].flatMap((commit) => commit?.slice(0, 12) ?? []).join('..');
  return (
    `Others have pushed to the branch ${branch} since you last worked on it, and the files have that now. Before you go ` +
    `on, see what has changed: git log -p ${range}`
  );
}

/** The files do not have what others have pushed to a branch of the task. */
export function describeNotTaken(branch: string): string {
  return (
    `Others have pushed to the branch ${branch}, or replaced it, since you last worked on it, and the files do not have ` +
    `that. Before you go on, commit what is not committed, and merge it: git fetch origin ${branch} && git merge ` +
    'FETCH_HEAD (or git rebase FETCH_HEAD, if your own commits are there in another form).'
  );
}
