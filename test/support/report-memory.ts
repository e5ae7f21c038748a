/* Loaded into a coordinator with `--expose-gc --import`: at SIGUSR2 it collects its garbage and says on standard error how much memory is left in use. */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`in use: ${heapUsed + external}\n`);
});
