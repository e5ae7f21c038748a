import type { RunJob } from '../base/check-body.ts';
import type { ForgeKind } from '../../protocol/forges.ts';
import type { MergeMethod } from '../../protocol/pulls.ts';

/*
 * What Errand asks of a forge. `github/` and `gitea/` implement it; a third forge is one more folder. Every call
 * rejects with a `ForgeApiError`, whose code says what the forge answered. All texts come from strangers: callers
 * bound, mark and never execute them.
 */

/** A repository as its forge names it. */
export type RepositoryName = { owner: string; name: string };

/** A person or bot at a forge. `id` stays the same when the login is renamed. */
export type ForgePerson = { id: string; login: string; name: string | null; email: string | null; bot: boolean };

/** What somebody may do to a repository. */
export type Permission = 'none' | 'read' | 'write' | 'admin';

/** A repository that a person can see. */
export type ForgeRepositoryInfo = RepositoryName & {
  /** Stays the same when the repository is renamed or moved. */
  id: string;
  /** The https address that git clones from. */
  clone_url: string;
  default_branch: string;
  private: boolean;
  /** What the token's owner may do. */
  permission: Permission;
  /** ISO 8601. */
  pushed_at: string | null;
  /** How it lets pull requests be merged, its default first. What it does not tell the token may be refused. */
  merge_methods: MergeMethod[];
};

/** Repositories, and what may be missing among them, in words for the person; empty: nothing is. */
export type RepositoryList = { items: ForgeRepositoryInfo[]; missing: string[] };

/** One contribution to an issue or pull request. */
export type ForgeComment = {
  /** Opaque, and unique among all comments at this forge. */
  id: string;
  author: ForgePerson;
  body: string;
  /** ISO 8601. */
  created_at: string;
  url: string;
  /**
   * Set for a comment on lines of a diff. `line`: in the new file, or with `is_before` in the one before the change;
   * null: the comment is on the whole file or outdated.
   */
  review: ReviewPlace | null;
};

/** Where a comment on a diff stands. */
type ReviewPlace = {
  path: string;
  line: number | null;
  start_line: number | null;
  is_before: boolean;
  diff_hunk: string;
  /** The same for all comments of one thread. */
  thread_id: string;
  /** The review that the comment came with. */
  review_id: string | null;
};

/** An issue, or a pull request as a conversation: its text and its comments, oldest first. */
export type Thread = {
  number: number;
  title: string;
  body: string;
  author: ForgePerson;
  state: 'open' | 'closed';
  labels: string[];
  url: string;
  /** ISO 8601. */
  created_at: string;
  comments: ForgeComment[];
  /** Whether the forge has more comments than were read. */
  cut: boolean;
  is_pull: boolean;
};

/** The state of a pull request. `merged` and `closed` are final unless it is reopened. */
type PullState = 'open' | 'merged' | 'closed';

/** A pull request. */
export type Pull = {
  number: number;
  url: string;
  title: string;
  body: string;
  state: PullState;
  draft: boolean;
  author: ForgePerson;
  head: { branch: string; commit: string; /** null: the repository is gone. */ repository: RepositoryName | null };
  /** `repository`: under its name now, which may be new. */
  base: { branch: string; commit: string; repository: RepositoryName | null };
  /** Whether it conflicts with its base; null: the forge finds that out now, since it was asked. */
  conflicts: boolean | null;
};

/** A pull request whose text is to be changed. `raw_body`: as it is there, to be given back and for nothing else. */
export type EditablePull = Pull & { raw_body: string };

/** A pull request to open. */
export type PullDraft = { title: string; body: string; head: string; base: string; draft: boolean };

/** What of a pull request is to change. */
export type PullPatch = Partial<Pick<PullDraft, 'title' | 'body' | 'draft'>> & { state?: 'open' | 'closed' };

/** How a pull request is to be merged, and the newest commit that it may bring. */
export type PullMerging = { commit: string; method: MergeMethod };

/** A check run or commit status of a commit. */
export type Check = {
  id: string;
  name: string;
  /**
   * `waiting`: for the approval of a person. `needs_action`: it has failed until a person does something, such as to
   * sign an agreement. `cancelled`: it came to no end, which says nothing of the commit. No commit can fix any of
   * these.
   */
  state: 'running' | 'waiting' | 'passed' | 'failed' | 'needs_action' | 'cancelled' | 'skipped';
  url: string | null;
  /** Where its log can be asked for with `checkLog`; null: there is none. */
  log_id: string | null;
};

/** The checks of a commit. `cut`: it has more than were read. */
type Checks = { items: Check[]; cut: boolean };

/** Those checks that a token may read, and the rights that it lacks for others, as the forge names them. */
export type ReadableChecks = Checks & { missing: string[] };

/** A branch, and whether the forge protects it from pushes. */
export type ForgeBranch = { name: string; commit: string; protected: boolean };

/** A review of a pull request. */
export type ReviewVerdict = 'approved' | 'changes_requested' | 'commented';

/** A review of a pull request as a whole, as somebody has submitted it. */
export type ForgeReview = {
  id: string;
  author: ForgePerson;
  verdict: ReviewVerdict;
  body: string;
  url: string;
  /** ISO 8601. */
  submitted_at: string;
};

/** An issue or pull request that has changed, and when it did last (ISO 8601, by the forge's clock). */
export type ChangedThread = { number: number; updated_at: string };

/** What a webhook says, in one form for all forges. */
export type ForgeEvent = {
  /** The forge's id of the delivery, the same when it is sent again. */
  delivery_id: string;
  /** ISO 8601; when it happened. null: the forge does not say. */
  at: string | null;
  repository: RepositoryName & { id: string; clone_url: string; default_branch: string };
  /** Who did it. */
  sender: ForgePerson;
} & (
  | { type: 'comment'; number: number; is_pull: boolean; comment: ForgeComment }
  /** `review_id` null: the forge does not say. What it says of lines is in the thread, or comes as comments. */
  | { type: 'review'; number: number; verdict: ReviewVerdict; review_id: string | null; body: string; url: string }
  | {
      type: 'issue';
      action: 'opened' | 'labeled';
      number: number;
      is_pull: boolean;
      /** Those that were added with it. Some forges name all that it has now. */
      labels: string[];
      title: string;
      body: string;
    }
  | { type: 'pull'; action: 'opened' | 'changed'; pull: Pull }
  /** `branch`: where the commit is, if the forge says so. */
  | { type: 'check'; commit: string; branch: string | null; check: Check }
  /** The checks of one pull request's commit are to be looked at. No forge says that: it follows from what one said. */
  | { type: 'pull_checks'; number: number; commit: string }
  /** The repository's names are the new ones. */
  | { type: 'repository'; action: 'renamed' | 'transferred' | 'privatized' | 'deleted' }
);

/** A webhook as it arrived. Header names are in lower case. */
export type Delivery = { headers: DeliveryHeaders; body: Buffer };
export type DeliveryHeaders = Record<string, string | undefined>;

/** Which token to use, and when to give up. */
export type Access = { token: string; signal?: AbortSignal | undefined };

/** A forge of one kind at one origin. It holds no token: each call brings its own. */
export type ForgeClient = {
  readonly kind: ForgeKind;
  /** Such as `https://github.com`. */
  readonly origin: string;

  /** Whose token this is. */
  me: (access: Access) => Promise<ForgePerson>;
  /** Repositories that the token may push to, those with the newest push first; `search` matches names as one types. */
  repositories: (access: Access, query: { search: string; limit: number }) => Promise<RepositoryList>;
  repository: (access: Access, name: RepositoryName) => Promise<ForgeRepositoryInfo>;
  /** What this login may do to the repository. */
  permission: (access: Access, name: RepositoryName, login: string) => Promise<Permission>;
  /** undefined: there is no such branch. */
  branch: (access: Access, name: RepositoryName, branch: string) => Promise<ForgeBranch | undefined>;
  /**
   * The rules that may refuse an errand's pushes to a branch of this name, which may be new, as the forge names them.
   * Empty also where only administrators are told.
   */
  forbiddingRules: (access: Access, name: RepositoryName, branch: string) => Promise<string[]>;
  /** The text that the repository has for new pull requests, at its default branch; undefined: it has none. */
  pullTemplate: (access: Access, name: RepositoryName) => Promise<string | undefined>;

  /**
   * An issue or pull request with its newest comments, `comments_max` at most: those on lines, and what reviews say as
   * a whole, are among them.
   */
  thread: (access: Access, name: RepositoryName, number: number, comments_max: number) => Promise<Thread>;
  /**
   * The issues and pull requests that have changed at an ISO time or later, such as by a comment, a review or a label.
   * `cut`: more have than were read.
   */
  changedThreads: (
    access: Access,
    name: RepositoryName,
    since: string,
  ) => Promise<{ items: ChangedThread[]; cut: boolean }>;
  /** The reviews of a pull request, oldest first. */
  reviews: (access: Access, name: RepositoryName, number: number) => Promise<ForgeReview[]>;
  /**
   * Who has put this label on an issue or pull request last, at an ISO time or later where the forge can tell that
   * apart. `id` is of this one time, `at` when it was (ISO 8601). Undefined: nobody has, or it was too long ago.
   */
  labeledBy: (
    access: Access,
    name: RepositoryName,
    number: number,
    label: string,
    since: string | null,
  ) => Promise<{ id: string; person: ForgePerson; at: string } | undefined>;
  comment: (access: Access, name: RepositoryName, number: number, body: string) => Promise<ForgeComment>;
  editComment: (access: Access, name: RepositoryName, comment_id: string, body: string) => Promise<void>;
  /** Answers a comment on lines of a diff, in its thread. */
  reply: (
    access: Access,
    name: RepositoryName,
    number: number,
    to: ForgeComment,
    body: string,
  ) => Promise<ForgeComment>;
  /** Marks the thread of a review comment as resolved; where the forge cannot, nothing happens. */
  resolve: (access: Access, name: RepositoryName, number: number, thread_id: string) => Promise<void>;

  openPull: (access: Access, name: RepositoryName, draft: PullDraft) => Promise<Pull>;
  pull: (access: Access, name: RepositoryName, number: number) => Promise<EditablePull>;
  /** The newest open pull request from this branch of the repository itself; undefined: there is none. */
  pullOfBranch: (access: Access, name: RepositoryName, branch: string) => Promise<Pull | undefined>;
  editPull: (access: Access, name: RepositoryName, number: number, patch: PullPatch) => Promise<Pull>;
  /** Merges it if its head is this commit. Rejects with `MergeRefused` where the reason is known. */
  mergePull: (access: Access, name: RepositoryName, number: number, merge: PullMerging) => Promise<void>;
  checks: (access: Access, name: RepositoryName, commit: string) => Promise<Checks>;
  /** For a token to which the forge refuses `checks`: what it may read of them in other ways. */
  readableChecks: (access: Access, name: RepositoryName, commit: string) => Promise<ReadableChecks>;
  /** The end of a check's log, in whole lines, `bytes_max` at most; empty: the forge has none any more. */
  checkLog: (access: Access, name: RepositoryName, check: Check, bytes_max: number) => Promise<Buffer>;

  /** The signature of a webhook, such as `sha256=…`, out of its headers. */
  signatureOf: (headers: DeliveryHeaders) => string | undefined;
  /**
   * Reads a webhook whose signature is right, with `run`. Resolves with undefined for events that Errand does not use.
   * Rejects with `invalid` or `too_large` for what this forge does not send.
   */
  readDelivery: (delivery: Delivery, run: RunJob) => Promise<ForgeEvent | undefined>;
};
