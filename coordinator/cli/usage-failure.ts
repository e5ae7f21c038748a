import { Failure } from '../client/errors.ts';

/** The command was typed wrongly: its help is named. */
export class UsageFailure extends Failure {}
