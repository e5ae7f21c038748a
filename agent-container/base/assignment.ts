import { z } from 'zod';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { Assignment, CONTRACT_VERSION } from '../../protocol/worker.ts';

/** The part of an assignment that is the same in all versions of the contract. */
export const AnyAssignment = z.looseObject({ contract_version: z.number() });

/** Parses an assignment. Throws `invalid` if it is of another contract version, or malformed. */
export function parseAssignment(value: unknown): Assignment {
  const version = AnyAssignment.safeParse(value).data?.contract_version ?? CONTRACT_VERSION;
  if (version === CONTRACT_VERSION) return parse(Assignment, value, 'The assignment');
  throw new ErrandError(
    'invalid',
    `This worker speaks version ${CONTRACT_VERSION} of the worker contract; the assignment is of version ${version}: ` +
      (version > CONTRACT_VERSION ? 'rebuild the worker image.' : 'upgrade the server.'),
  );
}
