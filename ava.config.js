import { createHash } from 'node:crypto';

const orderOf = (path) =>
  createHash('sha256')
    .update(path.replace(/.*\/test\//, ''))
    .digest('hex');

/** What takes minutes, mostly of waiting: it starts first, since nothing would run beside it at the end. */
const LONGEST = ['/chaos.test.ts', '/attack.test.ts'];
const isLongest = (path) => LONGEST.some((name) => path.endsWith(name));

export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  concurrency: 4,
  timeout: '2m',
  workerThreads: false,
  require: ['./test/support/no-source-maps.ts'],
  // Not by folder: a file whose browsers mostly wait runs beside one that computes.
  sortTestFiles: (a, b) => Number(isLongest(b)) - Number(isLongest(a)) || orderOf(a).localeCompare(orderOf(b)),
};
