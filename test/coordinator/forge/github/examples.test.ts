import type { components } from '@octokit/openapi-types';
import webhooks from '@octokit/webhooks-examples' with { type: 'json' };
import test from 'ava';
import type { z } from 'zod';
import { DELIVERY } from '../../../../coordinator/forge/github/deliveries.ts';
import type * as schemas from '../../../../coordinator/forge/github/schemas.ts';

type Example = { action?: string; [key: string]: unknown };

/** GitHub writes that ids may be large; JSON has numbers. */
type Plain<T> = T extends bigint ? never : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type GitHubType = { [K in keyof components['schemas']]: Plain<components['schemas'][K]> };

/** Compiles only if a schema of ours accepts what GitHub's description of its API allows. */
type Accepts<Schema extends z.ZodType, _Type extends z.input<Schema>> = Schema;
export type Checked = [
  Accepts<typeof schemas.User, GitHubType['nullable-simple-user']>,
  Accepts<typeof schemas.Repository, GitHubType['repository']>,
  Accepts<typeof schemas.Repository, GitHubType['full-repository']>,
  Accepts<typeof schemas.PullRequest, GitHubType['pull-request']>,
  Accepts<typeof schemas.PullRequest, Omit<GitHubType['pull-request-simple'], 'state'> & { state: 'open' | 'closed' }>,
  Accepts<typeof schemas.Issue, GitHubType['issue']>,
  Accepts<typeof schemas.IssueComment, GitHubType['issue-comment']>,
  Accepts<typeof schemas.ReviewComment, GitHubType['pull-request-review-comment']>,
  Accepts<typeof schemas.CheckRun, GitHubType['check-run']>,
];

// The package's own types describe a module that it is not.
const examples = webhooks as unknown as { name: string; examples: Example[] }[];

/** What is read of each kind of webhook, by event and action; all others are not used. */
const READ: Record<string, string> = {
  'issue_comment created': 'comment',
  'pull_request_review_comment created': 'comment',
  'pull_request_review submitted': 'review',
  'issues opened': 'issue',
  'issues labeled': 'issue',
  'pull_request labeled': 'issue',
  'check_run completed': 'check',
  'repository renamed': 'repository',
  'repository transferred': 'repository',
  'repository privatized': 'repository',
};

test("reads each of GitHub's own examples of webhooks", (t) => {
  let read = 0;
  for (const { name, examples: ofName } of examples) {
    for (const [index, example] of ofName.entries()) {
      const body = Buffer.from(JSON.stringify(example));
      const headers = {
        'x-github-event': name,
        'x-github-delivery': `example-${index}`,
      };
      const event = DELIVERY.run(body, headers);
      const action = `${name} ${example.action ?? ''}`.trim();
      const expected = READ[action] ?? (name === 'pull_request' ? 'pull' : name === 'status' ? 'check' : undefined);
      t.is<string | undefined, string | undefined>(event?.type, expected, action);
      if (event !== undefined) read++;
    }
  }
  t.true(read > 50, String(read));
});

test('a comment on lines says of which side of the diff they are', (t) => {
  const [example] = examples.find(({ name }) => name === 'pull_request_review_comment')?.examples ?? [];
  const read = (lines: { line: number; start_line: number | null; side: string; start_side: string | null }) => {
    const comment = { ...(example?.['comment'] as object), ...lines };
    const body = Buffer.from(JSON.stringify({ ...example, action: 'created', comment }));
    const headers = { 'x-github-event': 'pull_request_review_comment', 'x-github-delivery': 'example' };
    const event = DELIVERY.run(body, headers);
    return event?.type === 'comment' ? event.comment.review : undefined;
  };
  const one = { line: 12, start_line: null, start_side: null };
  t.like(read({ ...one, side: 'LEFT' }), { line: 12, start_line: null, is_before: true });
  t.like(read({ ...one, side: 'RIGHT' }), { line: 12, start_line: null, is_before: false });
  const several = { line: 12, start_line: 9, side: 'RIGHT' };
  t.like(read({ ...several, start_side: 'RIGHT' }), { line: 12, start_line: 9 });
  t.like(read({ ...several, start_side: 'LEFT' }), { line: 12, start_line: null }, 'it begins in the other file');
});
