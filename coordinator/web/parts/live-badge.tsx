import type { JSX } from 'preact';
import type { LiveState } from '../../client/sync/live.ts';
import { useSession } from './context.ts';
import { incomplete } from '../store/incomplete.ts';
import { BASE, PAST_CACHE } from '../store/routes.ts';
import { now } from './now.ts';
import { format, t } from './speech.ts';
import { faultWords } from './words.ts';

/** Bad news waits for this long, counted from the first loss: most are over by then. What is good lasts no longer. */
const PATIENCE_MS = 4_000;

/** How current what one sees is: live, or since when it is not. */
export function LiveBadge(): JSX.Element {
  const state = useSession().live.value;
  if (state?.kind === 'away' && state.intercepted) return <ProxyLink error={state.error} />;
  const { words, good } = describe(state, state && 'since' in state ? now.value : 0, navigator.onLine);
  const kind = state?.kind === 'failed' ? 'live off failed' : good ? 'live' : 'live off';
  return (
    <span class={kind} role="status" title={state && 'error' in state ? faultWords(state.error) : undefined}>
      {words}
      {state?.kind === 'failed' && `: ${faultWords(state.error)} `}
      {/* Nothing is tried by itself any more. What is not whole has an offer of its own. */}
      {state?.kind === 'failed' && !incomplete.value && (
        <button type="button" class="quiet" onClick={() => location.reload()}>
          {t.update_now}
        </button>
      )}
    </span>
  );
}

/** The app has no way to log in at a proxy: its own page must open in place of the app. */
function ProxyLink({ error }: { error: Error }): JSX.Element {
  return (
    <span class="live off" role="status">
      <a href={`${BASE}/?${PAST_CACHE}`} target="_self" title={faultWords(error)}>
        {t.live.intercepted}
      </a>
    </span>
  );
}

function describe(state: LiveState | undefined, at: number, online: boolean): { words: string; good: boolean } {
  switch (state?.kind) {
    case undefined:
      return { words: t.live.connecting, good: false };
    case 'live':
      return { words: t.live.live, good: true };
    case 'catching_up':
      return { words: t.live.catching_up, good: online && at - state.since < PATIENCE_MS };
    case 'away': {
      if (at - state.since < PATIENCE_MS && online) return { words: t.live.connecting, good: false };
      const since = format.clock(state.since);
      return { words: online ? t.live.server_away(since) : t.live.offline_since(since), good: false };
    }
    case 'logged_out':
      return { words: t.live.logged_out, good: false };
    case 'failed':
      return { words: t.live.failed, good: false };
  }
}
