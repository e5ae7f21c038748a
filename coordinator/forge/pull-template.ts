import { z } from 'zod';
import { answerJob } from './answer-job.ts';
import type { Access, RepositoryName } from './forge.ts';
import { pathOf, type RestApi } from './rest-api.ts';

/**
 * Where a forge looks for a repository's template. `folders`: the first goes first; empty: the root. `file`: its
 * name.
 */
export type TemplatePlaces = { folders: string[]; file: RegExp };

const HERE = 'coordinator/forge/pull-template.ts';
const Entries = z.array(z.object({ type: z.string(), name: z.string() }));
export const ENTRIES = answerJob(HERE, 'ENTRIES', Entries);
const File = z.object({ type: z.literal('file'), encoding: z.string(), content: z.string() });
/** Undefined: it is something else than a file, such as a link that leads nowhere. */
export const FILE = answerJob(HERE, 'FILE', File.optional().catch(undefined));

/**
 * The text of a repository's template for pull requests; undefined: it has none. The folders are listed, and only those
 * that are there: names differ in case and ending, and each one would be a call.
 */
export async function readPullTemplate(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { folders, file }: TemplatePlaces,
): Promise<string | undefined> {
  const at = (...path: string[]) => ({ path: pathOf('repos', owner, name, 'contents', ...path) });
  const list = async (...path: string[]) => (await api.find(access, at(...path), ENTRIES)) ?? [];
  const root = await list();
  for (const folder of folders) {
    const path = folder === '' ? [] : [folder];
    const is_there = root.some((entry) => entry.type === 'dir' && entry.name === folder);
    const entries = folder === '' ? root : is_there ? await list(...path) : [];
    // Capitals first, as forges have it. What is no folder may be a link to a file.
    const [found] = entries
      .flatMap((entry) => (entry.type !== 'dir' && file.test(entry.name) ? entry.name : []))
      .sort();
    if (found === undefined) continue;
    const read = await api.find(access, at(...path, found), FILE);
    if (read?.encoding === 'base64') return Buffer.from(read.content, 'base64').toString('utf8');
  }
  return undefined;
}
