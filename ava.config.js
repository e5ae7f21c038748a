import { createHash } from 'node:crypto';

const orderOf = (path) =>
  createHash('sha256')
    .update(path.replace(/.*\/test\//, ''))
    .digest('hex');

export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  concurrency: 4,
  timeout: '2m',
  workerThreads: false,
  require: ['./test/support/no-source-maps.ts'],
  // Not by folder: a file whose browsers mostly wait runs beside one that computes. The longest one starts first.
  sortTestFiles: (a, b) =>
    Number(b.endsWith('/chaos.test.ts')) - Number(a.endsWith('/chaos.test.ts')) || orderOf(a).localeCompare(orderOf(b)),
};
