/** The file in the data folder where the stand-ins of `product-server.ts` write what they are given: a task a line. */
export const TASKS = 'bench-tasks.jsonl';
