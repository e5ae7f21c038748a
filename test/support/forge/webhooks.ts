import type {
  CheckRun,
  Comment,
  Issue,
  Person,
  PullIssue,
  Repository,
  Review,
  ReviewComment,
  Status,
} from './world.ts';

export type PullAction =
  'opened' | 'closed' | 'reopened' | 'edited' | 'synchronize' | 'ready_for_review' | 'converted_to_draft';
export type RepositoryAction = 'renamed' | 'transferred' | 'privatized' | 'deleted';

/** Tells what happened, in a forge's own form. Where nobody is to be told, nothing is sent. */
export type Webhooks = {
  issueOpened: (repository: Repository, issue: Issue, by: Person) => void;
  labeled: (repository: Repository, issue: Issue, by: Person, label: string) => void;
  commented: (repository: Repository, issue: Issue, comment: Comment) => void;
  pull: (repository: Repository, pull: PullIssue, by: Person, action: PullAction) => void;
  reviewed: (repository: Repository, pull: PullIssue, review: Review, comments: ReviewComment[]) => void;
  replied: (repository: Repository, pull: PullIssue, review: Review, reply: ReviewComment) => void;
  checked: (repository: Repository, check: CheckRun) => void;
  statusSet: (repository: Repository, status: Status) => void;
  /** `from`: the former name or owner. */
  repository: (repository: Repository, by: Person, action: RepositoryAction, from?: string) => void;
};
