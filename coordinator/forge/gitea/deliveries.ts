import { z } from 'zod';
import { job } from '../../base/threads.ts';
import type { DeliveryHeaders, ReviewVerdict } from '../forge.ts';
import { Line, Text } from '../forge-text.ts';
import { eventOf, type EventContent } from '../signed-delivery.ts';
import { giteaCheck } from './checks.ts';
import { Account, Issue, IssueComment, PullRequest, Repository } from './schemas.ts';

/**
 * The signature of a webhook of Gitea's, which writes it in two ways: one has the name of the hash, as GitHub's has.
 */
export function signatureOf(headers: DeliveryHeaders): string | undefined {
  const own = headers['x-gitea-signature'];
  return headers['x-hub-signature-256'] ?? (own && `sha256=${own}`);
}

/** Reads a webhook of Gitea's, for `RunJob`. `root`: of its API. */
export const DELIVERY = job(
  'coordinator/forge/gitea/deliveries.ts',
  'DELIVERY',
  (body: Buffer, headers: DeliveryHeaders, root: string) => {
    const event = headers['x-gitea-event'] ?? headers['x-forgejo-event'];
    const delivery_id = headers['x-gitea-delivery'] ?? headers['x-forgejo-delivery'];
    const read = (json: unknown) => READERS.get(event ?? '')?.(json, root);
    return eventOf(body, { delivery_id, Repository, Account, read });
  },
);

type Reader = (json: unknown, root: string) => EventContent | undefined;

const READERS = new Map<string, Reader>(
  Object.entries<Reader>({
    issue_comment: (json) => {
      if (actionOf(json) !== 'created') return undefined;
      const { comment, issue, is_pull } = Commented.parse(json);
      return {
        type: 'comment',
        at: comment.created_at,
        number: issue.number,
        is_pull: is_pull ?? issue.is_pull,
        comment,
      };
    },
    issues: (json) => {
      const action = actionOf(json);
      if (action !== 'opened' && action !== 'label_updated') return undefined;
      const { issue, changes } = z.object({ issue: Issue, changes: Changes }).parse(json);
      const { number, title, body, created_at, updated_at } = issue;
      if (action === 'opened')
        return { type: 'issue', at: created_at, action, number, is_pull: false, labels: issue.labels, title, body };
      const labels = addedLabels(changes, issue.labels);
      return { type: 'issue', at: updated_at, action: 'labeled', number, is_pull: false, labels, title, body };
    },
    pull_request: (json) => {
      const action = actionOf(json);
      const { pull_request: pull, changes } = z.object({ pull_request: PullRequest, changes: Changes }).parse(json);
      const more = PullMore.parse(json).pull_request;
      const { number, title, body } = pull;
      if (action !== 'label_updated')
        return { type: 'pull', at: more.updated_at, action: action === 'opened' ? 'opened' : 'changed', pull };
      const labels = addedLabels(changes, more.labels?.map(({ name }) => name) ?? []);
      return { type: 'issue', at: more.updated_at, action: 'labeled', number, is_pull: true, labels, title, body };
    },
    pull_request_approved: (json) => reviewed(json, 'approved'),
    pull_request_rejected: (json) => reviewed(json, 'changes_requested'),
    pull_request_comment: (json) => reviewed(json, 'commented'),
    status: (json, root) => {
      const { sha: commit, context, state, target_url, ...rest } = Status.parse(json);
      const check = giteaCheck(root, commit, context, state, target_url);
      return { type: 'check', at: rest.updated_at ?? rest.created_at, commit, branch: null, check };
    },
    repository: (json) =>
      actionOf(json) === 'deleted' ? { type: 'repository', at: null, action: 'deleted' } : undefined,
  }),
);

/** Gitea tells of a review as a whole, without its id: what it says of lines is in the thread. */
function reviewed(json: unknown, verdict: ReviewVerdict): EventContent {
  const { pull_request: pull, review } = z.object({ pull_request: PullRequest, review: Review }).parse(json);
  const at = PullMore.parse(json).pull_request.updated_at;
  return {
    type: 'review',
    at,
    number: pull.number,
    verdict,
    review_id: null,
    body: review?.content ?? '',
    url: pull.url,
  };
}

/** Older versions do not say which labels are new. */
function addedLabels(changes: z.output<typeof Changes>, all: string[]): string[] {
  if (!changes?.added_labels && !changes?.removed_labels) return all;
  return changes.added_labels?.map(({ name }) => name) ?? [];
}

const actionOf = (json: unknown): string => z.object({ action: z.string() }).parse(json).action;
const Commented = z.object({ comment: IssueComment, issue: Issue, is_pull: z.boolean().optional() });
const Labels = z.array(z.object({ name: Line })).nullish();
const Changes = z.object({ added_labels: Labels, removed_labels: Labels }).nullish();
const PullMore = z.object({ pull_request: z.object({ updated_at: z.string(), labels: Labels }) });
const Review = z.object({ content: Text }).nullish();
const Status = z.object({
  sha: Line,
  context: Line,
  state: z.string(),
  target_url: z.string(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
});
