import { ErrandError } from '../../protocol/problem.ts';
import { readRepositoryAddress } from '../domain/repository-address.ts';

/** What of a request names a repository. */
type Named = { repo_url?: string | undefined; base_branch?: string | null | undefined };

/**
 * The request with its repository's address in the one form that the server goes by. A link to a branch also gives the base branch, if the request names none.
 * Throws `invalid` if the address is not understood.
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
