import { z } from 'zod';
import { job } from '../../base/threads.ts';
import type { DeliveryHeaders, ReviewVerdict } from '../forge.ts';
import { Id, Line, Text, WebAddress } from '../forge-text.ts';
import { eventOf, type EventContent } from '../signed-delivery.ts';
import { statusCheck } from '../status-check.ts';
import {
  Account,
  CheckRun,
  Issue,
  IssueComment,
  PullRequest,
  Repository,
  ReviewComment,
  StatusFields,
} from './schemas.ts';

const Action = z.object({ action: z.string() });

/** The signature of a webhook of GitHub's. */
export function signatureOf({ 'x-hub-signature-256': signature }: DeliveryHeaders): string | undefined {
  return signature;
}

/** Reads a webhook of GitHub's, for `RunJob`. */
export const DELIVERY = job(
  'coordinator/forge/github/deliveries.ts',
  'DELIVERY',
  (body: Buffer, { 'x-github-event': event = '', 'x-github-delivery': delivery_id }: DeliveryHeaders) => {
    const read = (json: unknown) => READERS.get(event)?.(json);
    return eventOf(body, { delivery_id, Repository, Account, read });
  },
);

type Reader = (json: unknown) => EventContent | undefined;

const READERS = new Map<string, Reader>(
  Object.entries<Reader>({
    issue_comment: (json) => {
      if (actionOf(json) !== 'created') return undefined;
      const { comment, issue } = z.object({ comment: IssueComment, issue: Issue }).parse(json);
      return { type: 'comment', at: comment.created_at, number: issue.number, is_pull: issue.is_pull, comment };
    },
    pull_request_review_comment: (json) => {
      if (actionOf(json) !== 'created') return undefined;
      const { comment, pull_request } = z.object({ comment: ReviewComment, pull_request: Numbered }).parse(json);
      return { type: 'comment', at: comment.created_at, number: pull_request.number, is_pull: true, comment };
    },
    pull_request_review: (json) => {
      if (actionOf(json) !== 'submitted') return undefined;
      const { review, pull_request } = z.object({ review: Review, pull_request: Numbered }).parse(json);
      const verdict = Verdict.safeParse(review.state).data;
      if (verdict === undefined) return undefined;
      const { id: review_id, body, html_url: url, submitted_at: at } = review;
      return { type: 'review', at, number: pull_request.number, verdict, review_id, body, url };
    },
    issues: (json) => {
      const action = actionOf(json);
      if (action !== 'opened' && action !== 'labeled') return undefined;
      const { issue, label } = z.object({ issue: Issue, label: LabelOf }).parse(json);
      const { number, title, body, created_at, updated_at } = issue;
      const labels = action === 'labeled' ? (label ? [label.name] : []) : issue.labels;
      const at = action === 'opened' ? created_at : updated_at;
      return { type: 'issue', at, action, number, is_pull: false, labels, title, body };
    },
    pull_request: (json) => {
      const action = actionOf(json);
      const { pull_request: pull, label } = z.object({ pull_request: PullRequest, label: LabelOf }).parse(json);
      const { at } = z
        .object({ pull_request: z.object({ updated_at: z.string() }) })
        .transform(({ pull_request }) => ({ at: pull_request.updated_at }))
        .parse(json);
      const { number, title, body } = pull;
      if (action === 'labeled')
        return { type: 'issue', at, action, number, is_pull: true, labels: label ? [label.name] : [], title, body };
      return { type: 'pull', at, action: action === 'opened' ? 'opened' : 'changed', pull };
    },
    check_run: (json) => {
      if (actionOf(json) !== 'completed') return undefined;
      const { check, commit, branch, at } = z.object({ check_run: CheckRun }).parse(json).check_run;
      return { type: 'check', at, commit, branch, check };
    },
    status: (json) => {
      const { sha: commit, updated_at: at, branches, ...status } = Status.parse(json);
      return { type: 'check', at, commit, branch: branches[0]?.name ?? null, check: statusCheck(status) };
    },
    repository: (json) => {
      const action = actionOf(json);
      switch (action) {
        case 'renamed':
        case 'transferred':
        case 'privatized':
        case 'deleted':
          return { type: 'repository', at: null, action };
        default:
          return undefined;
      }
    },
  }),
);

const actionOf = (json: unknown): string => Action.parse(json).action;
const Verdict: z.ZodType<ReviewVerdict> = z.enum(['approved', 'changes_requested', 'commented']);
const Numbered = z.object({ number: z.int() });
const LabelOf = z.object({ name: Line }).nullish();
const Review = z.object({
  id: Id,
  state: z.string(),
  body: Text,
  html_url: WebAddress,
  submitted_at: z.string().nullable(),
});
const Status = z.object({
  ...StatusFields,
  sha: Line,
  updated_at: z.string(),
  branches: z.array(z.object({ name: Line })),
});
