import { ErrandError } from '../../protocol/problem.ts';
import type { RepositoryChoice } from '../../protocol/repositories.ts';
import { prefixFields } from '../base/prefix-fields.ts';
import { readRepositoryAddress } from '../domain/repository-address.ts';

/** The parts of a request that name a repository. */
type Named = { repo_url?: string | undefined; base_branch?: string | null | undefined };

/**
 * Returns the request with the normal form of its repository's address. If the address links to a branch and the
 * request has no base branch, that becomes the base branch. Throws `invalid` for an address that is not understood.
 */
export function withRepository<B extends Named>(body: B): B {
  if (body.repo_url === undefined) return body;
  const found = readRepositoryAddress(body.repo_url);
  if ('refusal' in found)
    throw new ErrandError('invalid', `The repository's address ${found.refusal}.`, {
      errors: [{ field: '/repo_url', message: found.refusal }],
    });
  const { repo_url, branch } = found;
  if (branch === undefined || body.base_branch !== undefined) return { ...body, repo_url };
  return { ...body, repo_url, base_branch: branch };
}

/** The same for all repositories of an errand. */
export function withRepositories<B extends Named & { repositories?: RepositoryChoice[] | undefined }>(body: B): B {
  const first = withRepository(body);
  if (!first.repositories) return first;
  const repositories = first.repositories.map((choice, index) => {
    try {
      return withRepository(choice);
    } catch (error) {
      throw prefixFields(error, `/repositories/${index}`);
    }
  });
  return { ...first, repositories };
}
