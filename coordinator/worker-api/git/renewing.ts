import type { ForgeRepository } from '../../domain/forge-repository.ts';
import { ForgeError } from './forge-error.ts';

/**
 * Asks a forge. Where it refuses a credential that can be renewed, that is done, and the forge is asked once more if
 * the request can be repeated. Rejects as `ask` does.
 */
export async function renewing<T>(
  repository: ForgeRepository,
  can_repeat: boolean,
  ask: (repository: ForgeRepository) => Promise<T>,
): Promise<T> {
  const { repo_url, credential } = repository;
  try {
    return await ask(repository);
  } catch (error) {
    if (!(error instanceof ForgeError) || error.fault !== 'credential_refused' || !credential?.renew) throw error;
    const renewed = await credential.renew(credential.password);
    if ('fault' in renewed) throw new ForgeError('credential_refused', renewed.fault, { cause: error });
    if (!can_repeat) throw error;
    return ask({ repo_url, credential: { username: credential.username, password: renewed.password } });
  }
}
