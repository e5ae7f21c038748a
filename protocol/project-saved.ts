import { z } from 'zod';
import { Project } from './api.ts';

/** What a warning about a project is. `other`: there are only words. */
const CODES = [
  'push_refused',
  'push_needs_token',
  'push_unknown',
  'signed_commits',
  'push_restricted',
  'unknown_forge',
  'link_account',
  'link_impossible',
  'no_token',
  'no_token_link',
  'no_token_app',
  'other',
] as const;
export type ProjectWarningCode = (typeof CODES)[number];

/** Something about a project that cannot work as things are, in a form that a client can say in another language. */
export const ProjectWarning = z.object({
  code: z.string().describe(`one of ${CODES.join(', ')}; a newer server may have further ones`),
  params: z.record(z.string(), z.string()).describe('what its words name, such as the `forge`'),
  text: z.string().describe('the whole in English'),
});
export type ProjectWarning = z.infer<typeof ProjectWarning>;

/**
 * A project that was created or changed. `warnings`: sentences about what cannot work as things are, such as that the
 * token may not push, or that no mention counts before an account is linked.
 */
export const ProjectSaved = Project.extend({
  warnings: z.array(z.string()),
  coded_warnings: z.array(ProjectWarning).optional().describe('the same; absent from an older server'),
});
export type ProjectSaved = z.infer<typeof ProjectSaved>;
