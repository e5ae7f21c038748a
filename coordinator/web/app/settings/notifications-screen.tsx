import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Channel } from '../../../../protocol/notifications.ts';
import { useSession } from '../../parts/context.ts';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { locale, t } from '../../parts/speech.ts';
import { ago } from '../ago.ts';
import { s } from '../screen-speech.ts';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { AddChannel } from './add-channel.tsx';
import { deviceInfo } from './device-name.ts';
import { Install } from './install.tsx';
import { OccasionChoice } from './occasion-choice.tsx';

/** Whether this device is notified, of what, and where else the person is. */
export function NotificationsScreen(): JSX.Element {
  const { push } = useSession();
  const fault = useSignal('');
  const adds = useSignal<'webhook' | 'ntfy' | undefined>(undefined);
  /** Runs what a touch asks for; what goes wrong is shown. */
  const act = (work: () => Promise<void>): void => {
    fault.value = '';
    work().catch((error: unknown) => (fault.value = faultWords(error)));
  };
  useRead(() => act(() => push.refresh()), [push]);
  const [own, state] = [push.own, push.state.value];
  const others = push.channels.value?.filter(({ current }) => !current);
  return (
    <Screen title={s.notify.title} parent={{ name: 'settings' }}>
      <div class="body settings notifications">
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <h2>{s.notify.this_device}</h2>
        <p role="status">{s.notify.states[state]}</p>
        {state === 'off' && (
          <button
            type="button"
            class="primary"
            onClick={() => act(() => push.turnOn(deviceInfo(navigator.userAgent, locale)))}
          >
            {s.notify.turn_on}
          </button>
        )}
        {state === 'needs_home_screen' && <Install />}
        {own && state === 'on' && <OwnDevice own={own} act={act} />}
        <h2>{s.notify.elsewhere}</h2>
        <p class="soft">{s.notify.elsewhere_hint}</p>
        {others?.length === 0 && <p>{s.notify.nowhere}</p>}
        <ul class="rows devices">
          {others?.map((channel) => (
            <ChannelRow key={channel.id} channel={channel} act={act} />
          ))}
        </ul>
        {(['webhook', 'ntfy'] as const).map((kind) => (
          <button key={kind} type="button" class="choice" onClick={() => (adds.value = kind)}>
            {s.notify.add[kind]}
          </button>
        ))}
      </div>
      {adds.value && <AddChannel kind={adds.value} onClose={() => (adds.value = undefined)} />}
    </Screen>
  );
}

type Act = (work: () => Promise<void>) => void;

function OwnDevice({ own, act }: { own: Channel; act: Act }): JSX.Element {
  const { push } = useSession();
  return (
    <>
      <OccasionChoice
        legend={s.notify.told_when}
        chosen={own.occasions}
        onChange={(occasions) => act(() => push.change(own.id, { occasions }))}
      />
      <LastAnswer channel={own} />
      <button type="button" class="choice" onClick={() => act(() => push.test(own.id))}>
        {s.notify.test}
      </button>
      <button type="button" class="choice" onClick={() => act(() => push.turnOff())}>
        {s.notify.turn_off}
      </button>
    </>
  );
}

function LastAnswer({ channel: { last_answer } }: { channel: Channel }): JSX.Element {
  if (!last_answer) return <small>{s.notify.never_sent}</small>;
  const { at, ok, status, detail } = last_answer;
  const time = ago(at);
  const why = [status, detail && t.in_english(detail)].filter(Boolean).join(' ');
  return (
    <small class={ok ? '' : 'fault'} role="status">
      {ok ? s.notify.accepted(time) : s.notify.not_accepted(time, why)}
    </small>
  );
}

function ChannelRow({ channel, act }: { channel: Channel; act: Act }): JSX.Element {
  const { push } = useSession();
  const removes = useSignal(false);
  const { id, name, kind, host } = channel;
  return (
    <li>
      <span>
        <b dir="auto">{name}</b>
        <small>
          {s.notify.kinds[kind]} · {host}
        </small>
        <LastAnswer channel={channel} />
      </span>
      <span class="buttons">
        <button type="button" class="quiet" aria-label={s.notify.tested(name)} onClick={() => act(() => push.test(id))}>
          {s.notify.test}
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={s.notify.remove_named(name)}
          onClick={() => (removes.value = true)}
        >
          {s.notify.remove}
        </button>
      </span>
      {removes.value && (
        <Confirm
          title={s.notify.remove_title}
          text={s.notify.remove_text}
          yes={s.notify.remove}
          danger
          onYes={() => act(() => push.remove(id))}
          onClose={() => (removes.value = false)}
        />
      )}
    </li>
  );
}
