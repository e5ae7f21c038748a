import { Failure } from '../client/errors.ts';

/** The command line has a mistake. The message is followed by a pointer to the command's help. */
export class UsageFailure extends Failure {}
