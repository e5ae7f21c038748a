/** The work stops in the middle of a question, whose answer comes to the next attempt. */
export class WorkParked extends Error {
  override readonly name = 'WorkParked';

  constructor() {
    super('The task waits for its answer without a worker.');
  }
}
