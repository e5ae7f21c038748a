import { AttemptFailure } from '../base/failure.ts';
import type { AgentState } from './agent-repository.ts';
import { newBlobs } from './blobs.ts';
import { doubtfulFiles } from './doubtful-files.ts';
import { filteredFiles } from './filtered-files.ts';
import { leftOut } from './left-out.ts';
import { largeFiles, odditiesOf } from './odd-states.ts';
import { withPointers } from './lfs-blobs.ts';
import { importObjects } from './lfs-objects.ts';
import { findLfsSecrets } from './lfs-secrets.ts';
import { findSecrets, type SecretFinding } from './pushed-secrets.ts';
import type { KnownCommits } from './known-commits.ts';
import { redactor } from './redactor.ts';
import type { Repositories } from './repositories.ts';
import type { SecretSearch } from './secret-search.ts';
import { workBeside } from './work-beside.ts';

/** What the agent may not know of a commit, and may want all the same. */
export type Remarks = {
  /** What the commit leaves out. */
  left_out: string[];
  /** What it adds, by its name the output of a program. */
  doubtful: string[];
};

/** What is wrong with a commit before it is pushed. The texts are for the model and for people. */
export type Inspection = {
  /** What must not reach the forge at all. */
  stops: string[];
  /** What no person would leave as the end of their work. It may be pushed as work in progress. */
  oddities: string[];
  /** What is pushed all the same, for people alone: once it is pushed, or while it waits for an approval. */
  warnings: { pushed: string[]; held: string[] };
  remarks: Remarks;
  /** What it leaves out too, for people alone: nobody is expected to miss it. */
  outputs: string[];
  /** The files whose pointers of Git LFS the push has: their objects have to be on the remote first. */
  pointer_paths: string[];
  /** Removes the secrets that were found from a text. */
  redact: (text: string) => string;
};

/** A commit was not pushed because of what is in it. */
export class StoppedPush extends AttemptFailure {
  /** Whether it has what no push may have, and not only an end that nobody would leave. */
  readonly has_forbidden: boolean;

  constructor(reasons: string[], has_forbidden: boolean) {
    const list = reasons.map((reason) => `- ${reason}`).join('\n');
    super('push_rejected', `The work was not pushed:\n${list}`);
    this.has_forbidden = has_forbidden;
  }
}

/** What keeps a commit from being pushed at all, or from being the end of the work. */
export function problemOf({ stops, oddities }: Inspection, wip: boolean): StoppedPush | null {
  const reasons = wip ? stops : [...stops, ...oddities];
  return reasons.length === 0 ? null : new StoppedPush(reasons, stops.length > 0);
}

type Given = {
  commit: string | null;
  /**
   * The commit is work in progress: nobody is told what it should not have or lacks, and a cancel leaves little time.
   */
  wip: boolean;
  /** The tree of the commit. */
  tree: string;
  excluded: string[];
  agent: AgentState;
  base_commit: string | null;
  known: KnownCommits;
  secrets: SecretSearch;
  /** When the agent's work began, in milliseconds since 1970. */
  began_ms: number;
  repo_url: string;
};

const TEXTS_MAX = 20;
const NOTHING_NEW = {
  stops: [],
  oddities: [],
  warnings: { pushed: [], held: [] },
  pointer_paths: [],
  redact: (text: string) => text,
};

/** Looks at what a push of the commit would add, and at what it would leave out. */
export async function inspect(repos: Repositories, given: Given): Promise<Inspection> {
  const { commit, wip, excluded, agent, base_commit, known, secrets, repo_url } = given;
  const { not, bases } = known;
  if (commit === null || commit === base_commit) {
    const { missing, outputs } = await lookBeside(repos, given);
    return { ...NOTHING_NEW, remarks: { left_out: [...theFirst(excluded), ...missing], doubtful: [] }, outputs };
  }
  const is_known = not.includes(commit);
  const blobs = is_known ? [] : await newBlobs(repos.own, commit, not);
  const pushed = repos.own.has_lfs ? await withPointers(repos.own, blobs) : [];
  await importObjects(repos, pushed);
  const [found_in_git, found_in_lfs, filtered, oddities, doubtful, { missing, outputs }] = await Promise.all([
    is_known ? [] : findSecrets(repos.own, commit, { not, secrets }),
    findLfsSecrets(repos.own, pushed, secrets),
    filteredFiles(repos, { bases, commit, pushed, repo_url }),
    odditiesOf(repos.own, { base_commit, bases, commit, agent }),
    wip ? [] : doubtfulFiles(repos.own, bases, commit),
    lookBeside(repos, given),
  ]);
  const { perhaps_public = [], secret: found = [] } = Object.groupBy(
    [...found_in_git, ...found_in_lfs],
    ({ may_be_public = false }) => (may_be_public ? 'perhaps_public' : 'secret'),
  );
  const redact = redactor(found);
  const stops = [...secretStops(found), ...largeFiles(blobs), ...filtered].map(redact);
  return {
    stops,
    oddities,
    warnings: publicKeyWarnings(perhaps_public, redact),
    remarks: { left_out: [...theFirst(excluded), ...missing], doubtful },
    outputs,
    pointer_paths: pushed.flatMap(({ path, pointer }) => (pointer === null ? [] : [path])),
    redact,
  };
}

/** What the commit lacks of the agent's work, and the outputs of builds that are left out. */
async function lookBeside(repos: Repositories, given: Given): Promise<{ missing: string[]; outputs: string[] }> {
  if (given.wip) return { missing: [], outputs: [] };
  const [beside, { texts, outputs }] = await Promise.all([
    workBeside(repos, given),
    leftOut(repos.own, given.began_ms),
  ]);
  return { missing: [...beside, ...texts], outputs };
}

const theFirst = (texts: string[]) =>
  texts.length > TEXTS_MAX ? [...texts.slice(0, TEXTS_MAX), 'and more like these'] : texts;

/** They name no line, which changes with every edit: a person is told of a key once. */
function publicKeyWarnings(found: SecretFinding[], redact: Inspection['redact']): Inspection['warnings'] {
  const places = new Set(
    found.map(({ what, file }) => `${file} contains ${what}, which may be public, as in the page of an app`),
  );
  const textsWith = (end: string) => theFirst([...places].map((place) => `${place}${end}`)).map(redact);
  return {
    pushed: textsWith(', and is pushed. If it is not, revoke it.'),
    held: textsWith(', and would be pushed. If it is not, have it taken out first.'),
  };
}

function secretStops(found: SecretFinding[]): string[] {
  const stops = found.map(({ what, where }) => `${where} contains ${what}`);
  const is_in_commits = found.some(({ where }) => / commit [0-9a-f]{12}$/.test(where));
  const advice = is_in_commits
    ? 'Take secrets out of the files, and out of the commits that have them: git reset --soft to the commit before them is enough, since a commit is made for you.'
    : 'Take secrets out of the files: read them from the environment, or keep them in a file that is ignored.';
  return found.length === 0 ? [] : [...stops, advice];
}
