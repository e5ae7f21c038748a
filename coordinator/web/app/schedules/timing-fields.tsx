import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { KINDS, cronOf, type Timing } from './timing.ts';
import { OWN_ZONE, s, weekdayName } from './words.ts';

/** Monday first, as most of the world has it. */
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 0];

type TimingProps = { timing: Signal<Timing>; zone: Signal<string>; fault: string };

/**
 * When a schedule runs: one of the usual ways, or a cron expression; and whose clock counts. `fault`: what is wrong
 * with it, which stands at what was typed.
 */
export function TimingFields({ timing, zone, fault }: TimingProps): JSX.Element {
  const { kind, time, weekday, cron } = timing.value;
  const set = (change: Partial<Timing>): void => {
    timing.value = { ...timing.value, ...change };
  };
  return (
    <fieldset class="timing">
      <legend>{s.when}</legend>
      <Kinds timing={timing.value} set={set} />
      {kind === 'weekly' && (
        <label class="field">
          <span>{s.day}</span>
          <select value={weekday} onChange={({ currentTarget }) => set({ weekday: Number(currentTarget.value) })}>
            {WEEKDAYS.map((each) => (
              <option key={each} value={each}>
                {weekdayName(each)}
              </option>
            ))}
          </select>
        </label>
      )}
      {kind === 'cron' ? (
        <label class="field">
          <span>{s.cron}</span>
          <input
            class="mono"
            value={cron}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={({ currentTarget }) => set({ cron: currentTarget.value })}
          />
          <span class="fault" aria-live="polite">
            {fault}
          </span>
          <small>{s.cron_hint}</small>
        </label>
      ) : (
        <label class="field">
          <span>{s.time}</span>
          <input
            type="time"
            required
            value={time}
            onInput={({ currentTarget }) => currentTarget.value !== '' && set({ time: currentTarget.value })}
          />
        </label>
      )}
      {kind !== 'cron' && fault !== '' && <p class="fault">{fault}</p>}
      <Zone zone={zone} />
    </fieldset>
  );
}

type KindsProps = { timing: Timing; set: (change: Partial<Timing>) => void };

function Kinds({ timing, set }: KindsProps): JSX.Element {
  return (
    <div class="chips">
      {KINDS.map((each) => (
        <button
          key={each}
          type="button"
          class="option"
          aria-pressed={timing.kind === each}
          onClick={() => set({ kind: each, cron: each === 'cron' ? cronOf(timing) : timing.cron })}
        >
          {s.kinds[each]}
        </button>
      ))}
    </div>
  );
}

function Zone({ zone }: { zone: Signal<string> }): JSX.Element {
  return (
    <label class="field">
      <span>{s.zone}</span>
      <select value={zone.value} onChange={({ currentTarget }) => (zone.value = currentTarget.value)}>
        {zonesWith(zone.value).map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
      <small>{s.zone_hint}</small>
    </label>
  );
}

/** The zones of the device, its own first, and the one that is chosen. */
function zonesWith(chosen: string): string[] {
  return [...new Set([OWN_ZONE, chosen, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}
