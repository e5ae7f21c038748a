import { z } from 'zod';
import type { AnswerJob } from './answer-job.ts';
import type { Access, ForgeComment, ForgePerson, RepositoryName } from './forge.ts';
import { Id, Text, WebAddress } from './forge-text.ts';
import { pathOf, type RestApi } from './rest-api.ts';

/** A comment of a conversation, as GitHub and Gitea answer it. `User`: the forge's own form of an account. */
export function issueComment(User: z.ZodType<ForgePerson>): z.ZodType<ForgeComment> {
  return z
    .object({ id: Id, user: User, body: Text, created_at: z.string(), html_url: WebAddress })
    .transform(({ id, user, body, created_at, html_url }) => {
      return { id, author: user, body, created_at, url: html_url, review: null };
    });
}

/** Writes into a conversation. `answer`: how the forge's answer is read. */
export function writeComment(
  answer: AnswerJob<ForgeComment>,
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  body: string,
): Promise<ForgeComment> {
  const path = pathOf('repos', owner, name, 'issues', number, 'comments');
  return api.call(access, { method: 'POST', path, body: { body } }, answer);
}
