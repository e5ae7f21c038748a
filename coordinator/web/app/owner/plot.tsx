import type { JSX } from 'preact';

/** The size of a plot in its own units; it is stretched to the width of its place. */
const WIDTH = 300;
const HEIGHT = 44;

type PlotProps = {
  title: string;
  /** What it shows now. */
  value: string;
  /** What it shows, in a sentence, for who cannot see it. */
  summary: string;
  /** None: there is nothing to draw yet. */
  values: readonly number[];
  kind: 'bars' | 'line';
  /** The value at the upper edge, where that is not the greatest of them. */
  max?: number;
};

/** A small plot of values from the oldest to the newest. */
export function Plot({ title, value, summary, values, kind, max }: PlotProps): JSX.Element {
  const top = Math.max(max ?? 0, ...values) || 1;
  const heights = values.map((each) => (each / top) * (HEIGHT - 2));
  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        <span>{value}</span>
      </figcaption>
      {values.length > 0 && (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
          <path class="plot-floor" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
          {kind === 'bars' ? (
            <path class="plot-bars" d={bars(heights)} />
          ) : (
            <path class="plot-line" d={line(heights)} />
          )}
        </svg>
      )}
    </figure>
  );
}

function bars(heights: readonly number[]): string {
  const step = WIDTH / heights.length;
  return heights
    .flatMap((height, i) =>
      height > 0 ? `M${i * step + 1} ${HEIGHT}v${-Math.max(height, 1)}h${step - 2}V${HEIGHT}z` : [],
    )
    .join('');
}

function line(heights: readonly number[]): string {
  const step = WIDTH / Math.max(1, heights.length - 1);
  return heights.map((height, i) => `${i === 0 ? 'M' : 'L'}${i * step} ${HEIGHT - 1 - height}`).join('');
}
