/*
 * Loaded into a coordinator with `--expose-gc --import`: at SIGUSR2 it runs the garbage collector and prints the memory
 * in use.
 */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`in use: ${heapUsed + external}\n`);
});
