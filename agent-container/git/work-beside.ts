import type { AgentState } from './agent-repository.ts';
import { emptyTree } from './diff.ts';
import { splitNul, type Git } from './git.ts';
import { nameOf, namesOf } from './names-of.ts';
import { otherWorktrees, uncommittedFiles, type Worktree } from './other-worktrees.ts';
import type { Repositories } from './repositories.ts';

/** A command may have put anything into the agent's repository. */
const READ_MS = 30_000;
/** How many stash entries, branches and worktrees are looked at. */
const PLACES_MAX = 20;
/** How many of the newest moves of HEAD are looked at. */
const LEFT_MAX = 200;
const LISTED_BYTES_MAX = 64 << 20;

type Given = { agent: AgentState; tree: string; base_commit: string | null; began_ms: number };
/** Where work of the agent is that HEAD does not contain. */
type Place = { name: string; advice: string; changes: () => Promise<Change[]> };
/** A file as a commit has it; `id` is all zeros where it deletes the file. */
type Change = { path: string; id: string };

/**
 * Work of the agent that is not in the tree of the commit: on another branch, in another worktree, in the stash, or in
 * commits that a checkout left on no branch. One text for each place. What is older than `began_ms`, or is on the
 * remote, is not the agent's; and what the tree has too, or a commit of the work since the base, such as the one in
 * which a branch was merged, is not missing.
 */
export async function workBeside({ own, agents }: Repositories, given: Given): Promise<string[]> {
  const { agent, tree, base_commit, began_ms } = given;
  // During an operation git itself keeps the commits of the branch somewhere else than in HEAD.
  if (agent.fault !== null || (agent.operation !== null && agent.operation !== 'merge')) return [];
  const began_s = Math.floor(began_ms / 1000);
  const [stashed, branches, worktrees, left] = await Promise.all([
    stashEntries(agents, began_s),
    branchesBeside(agents, agent.head, began_s),
    otherWorktrees(agents),
    leftCommits(agents, agent.head, began_s),
  ]);
  const heads = [...branches, ...worktrees.flatMap(detachedOf)];
  // What is in no commit comes first: it is the easiest to lose.
  const places: Place[] = [
    ...stashed.map((entry) => ({ ...entry, changes: () => stashChanges(agents, entry.commit) })),
    ...worktrees.map((each) => ({ ...uncommittedIn(each), changes: () => uncommittedFiles(agents, each, began_ms) })),
    ...heads.map((head) => ({ ...head, changes: () => commitChanges(agents, [head.commit], agent.head, began_s) })),
    ...left.map((each) => ({ ...each, changes: () => commitChanges(agents, each.commits, agent.head, began_s) })),
  ];
  if (places.length === 0) return [];
  const [files, committed, deleted] = await Promise.all([
    filesOf(own, tree),
    committedObjects(agents, agent.head, base_commit),
    deletedPaths(agents, agent.head, base_commit),
  ]);
  const blobs = new Set(files.values());
  const isMissing = ({ path, id }: Change) => {
    if (/^0+$/.test(id)) return files.has(path) && !deleted.has(path);
    // It may have another name by now.
    const is_there = files.has(path) ? files.get(path) === id : blobs.has(id);
    return !is_there && !committed.has(id);
  };
  const texts: string[] = [];
  for (const { name, advice, changes } of places.slice(0, PLACES_MAX)) {
    const paths = (await changes()).filter(isMissing).map(({ path }) => path);
    if (paths.length > 0) texts.push(`what ${name} has of ${namesOf(paths.toSorted())}: ${advice}`);
  }
  return texts;
}

type Found = { name: string; commit: string; advice: string };

/** The branches whose newest commit is the agent's and not in HEAD. */
async function branchesBeside(agents: Git, head: string | null, began_s: number): Promise<Found[]> {
  const format = '--format=%(committerdate:unix) %(objectname) %(refname)';
  const not_in = head === null ? [] : [`--no-merged=${head}`];
  const args = ['for-each-ref', ...not_in, '--sort=-committerdate', `--count=${PLACES_MAX}`, format, 'refs/heads'];
  const { stdout } = await agents.try(args, { time_limit_ms: READ_MS });
  const advice = 'merge it, or delete the branch if the work has that already';
  return [...stdout.toString().matchAll(/^(\d+) (\w+) refs\/heads\/(.+)$/gm)].flatMap(
    ([, time, commit = '', branch = '']) =>
      Number(time) >= began_s ? [{ name: `the branch ${nameOf(branch)}`, commit, advice }] : [],
  );
}

function detachedOf({ path, commit }: Worktree): Found[] {
  if (commit === null) return [];
  const advice = 'merge its HEAD, or remove the worktree if the work has that already';
  return [{ name: `the worktree ${nameOf(path)}`, commit, advice }];
}

function uncommittedIn({ path }: Worktree): Pick<Place, 'name' | 'advice'> {
  // What it has may be no more than what the tests have written, in a worktree to compare with.
  const advice = 'remove the worktree if nothing of that belongs to the work, else commit and merge what does';
  return { name: `the worktree ${nameOf(path)} (not committed)`, advice };
}

/**
 * The agent's commits that no branch has because a checkout left them. What was taken back otherwise, as by a reset or
 * the removal of a branch, is left out: that was meant so.
 */
async function leftCommits(
  agents: Git,
  head: string | null,
  began_s: number,
): Promise<(Pick<Place, 'name' | 'advice'> & { commits: string[] })[]> {
  const log = await agents.try(['log', '-g', `-${LEFT_MAX}`, '--format=%gs', 'HEAD'], { time_limit_ms: READ_MS });
  const moves = log.stdout.toString().matchAll(/^checkout: moving from ([0-9a-f]{40,64}) to /gm);
  const tips = [...new Set(Array.from(moves, ([, commit = '']) => commit))];
  if (tips.length === 0) return [];
  // One --not for all: a second one would take back the first.
  const args = ['rev-list', `--max-age=${began_s}`, '--ignore-missing', ...tips, ...outsideOf(head), '--branches'];
  const { stdout } = await agents.try(args, { time_limit_ms: READ_MS });
  const commits = stdout
    .toString()
    .split('\n')
    .filter((id) => id !== '');
  const [newest] = commits;
  if (newest === undefined) return [];
  const name = `the commit ${newest.slice(0, 12)}, which no branch has,`;
  return [{ name, advice: 'merge it, unless the work has that already', commits }];
}

async function stashEntries(agents: Git, began_s: number): Promise<Found[]> {
  const args = ['rev-list', '-g', '--timestamp', `--max-count=${PLACES_MAX}`, 'refs/stash'];
  const { stdout } = await agents.try(args, { time_limit_ms: READ_MS });
  const entries = [...stdout.toString().matchAll(/^(\d+) (\w+)$/gm)];
  return entries.flatMap(([, time, commit = ''], n) => {
    const entry = n === 0 ? '' : ` stash@{${n}}`;
    const advice = `git stash drop${entry} removes it if the work has that already, git stash pop${entry} brings it back`;
    return Number(time) >= began_s ? [{ name: `stash@{${n}}`, commit, advice }] : [];
  });
}

/** What a stash entry has changed, with the untracked files that it may have. */
async function stashChanges(agents: Git, commit: string): Promise<Change[]> {
  const [tracked, untracked] = await Promise.all([
    changesOf(agents, [`${commit}^1`, commit]),
    changesOf(agents, [await emptyTree(agents), `${commit}^3`]),
  ]);
  return [...tracked, ...untracked];
}

/** What the agent's commits that are neither in HEAD nor on the remote have changed: of each file the newest state. */
async function commitChanges(agents: Git, tips: string[], head: string | null, began_s: number): Promise<Change[]> {
  const args = ['rev-list', '--no-merges', '--topo-order', `--max-age=${began_s}`, ...tips, ...outsideOf(head)];
  const { code, stdout } = await agents.try(args, { time_limit_ms: READ_MS });
  if (code !== 0 || stdout.length === 0) return [];
  const changes = await changesOf(agents, ['--root', '--no-commit-id', '--stdin'], stdout.toString());
  return [...new Map(changes.toReversed().map((change) => [change.path, change])).values()];
}

/** For `git rev-list`: without what is in HEAD or on the remote. */
const outsideOf = (head: string | null) => ['--not', ...(head === null ? [] : [head]), '--remotes'];

async function changesOf(agents: Git, args: string[], input?: string): Promise<Change[]> {
  const options = { time_limit_ms: READ_MS, ...(input !== undefined && { input }) };
  const raw = await agents.try(['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', ...args], options);
  const found = raw.stdout.toString().matchAll(/:\d+ \d+ \w+ (\w+) \w\0([^\0]+)\0/g);
  return raw.code === 0 ? Array.from(found, ([, id = '', path = '']) => ({ path, id })) : [];
}

/** The commits of the work. They are on the remote too, once they are pushed. */
const workOf = (head: string, base_commit: string | null) => [
  '--ignore-missing',
  head,
  ...(base_commit === null ? [] : ['--not', base_commit]),
];

async function committedObjects(agents: Git, head: string | null, base_commit: string | null): Promise<Set<string>> {
  if (head === null) return new Set();
  const args = ['rev-list', '--objects', '--no-object-names', ...workOf(head, base_commit)];
  const options = { time_limit_ms: READ_MS, stdout_bytes_max: LISTED_BYTES_MAX };
  return new Set((await agents.try(args, options)).stdout.toString().split('\n'));
}

async function deletedPaths(agents: Git, head: string | null, base_commit: string | null): Promise<Set<string>> {
  if (head === null) return new Set();
  const args = ['log', '--format=', '--name-only', '-z', '--no-renames', '--diff-filter=D'];
  const options = { time_limit_ms: READ_MS, stdout_bytes_max: LISTED_BYTES_MAX };
  return new Set(splitNul((await agents.try([...args, ...workOf(head, base_commit)], options)).stdout));
}

async function filesOf(own: Git, tree: string): Promise<Map<string, string>> {
  const listed = splitNul(
    (await own.try(['ls-tree', '-r', '-z', tree], { stdout_bytes_max: LISTED_BYTES_MAX })).stdout,
  );
  return new Map(
    listed.map((line) => {
      const at = line.indexOf('\t');
      return [line.slice(at + 1), line.slice(0, at).split(' ')[2] ?? ''];
    }),
  );
}
