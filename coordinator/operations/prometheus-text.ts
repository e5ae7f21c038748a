/** One value of a metric. */
export type Sample = [labels: Record<string, string>, value: number];

/** A metric with its samples. */
export type Metric = { name: string; type: 'gauge' | 'counter'; help: string; samples: Sample[] };

/** A value that can go up and down. */
export const gauge = (name: string, help: string, samples: Sample[]): Metric => ({
  name,
  type: 'gauge',
  help,
  samples,
});

/** A value that only grows while the process lives. */
export const counter = (name: string, help: string, samples: Sample[]): Metric => ({
  name,
  type: 'counter',
  help,
  samples,
});

/** One sample without labels; none if the value is unknown. */
export function single(value: number | undefined): Sample[] {
  return value === undefined ? [] : [[{}, value]];
}

/** Formats metrics in the Prometheus text format, version 0.0.4. */
export function prometheusText(metrics: Metric[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function formatLabels(labels: Record<string, string>): string {
  const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}
