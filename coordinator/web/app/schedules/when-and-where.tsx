import type { JSX } from 'preact';
import type { Schedule } from '../../../../protocol/schedules.ts';
import { useSession } from '../../parts/context.ts';
import { placeWords, timingWords } from './words.ts';

/** When a schedule runs, and in which project or repository. */
export function WhenAndWhere({ schedule }: { schedule: Schedule }): JSX.Element {
  const place = placeWords(schedule, useSession().projects.value);
  return (
    <>
      {timingWords(schedule)}
      {place !== '' && (
        <>
          {' · '}
          <bdi>{place}</bdi>
        </>
      )}
    </>
  );
}
