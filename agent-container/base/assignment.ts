import { z } from 'zod';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { Assignment, CONTRACT_VERSION } from '../../protocol/worker.ts';

/** What of an assignment is the same in all versions of the contract. */
export const AnyAssignment = z.looseObject({ contract_version: z.number() });

/** The assignment, however it came. Throws `invalid` for one of another version of the contract, which need not look as ours does. */
export function readAssignment(value: unknown): Assignment {
  const version = AnyAssignment.safeParse(value).data?.contract_version ?? CONTRACT_VERSION;
  if (version === CONTRACT_VERSION) return parse(Assignment, value, 'The assignment');
  throw new ErrandError(
    'invalid',
    `This worker keeps version ${CONTRACT_VERSION} of the worker contract, and was given a task by version ${version}: ` +
      (version > CONTRACT_VERSION ? 'build the image of the workers anew.' : 'upgrade the server.'),
  );
}
