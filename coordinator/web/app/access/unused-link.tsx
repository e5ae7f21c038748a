import type { JSX } from 'preact';
import { useStore } from '../../parts/context.ts';
import { t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { link } from './link-code.ts';

/** Says why a link that makes an account does nothing where somebody is logged in. It is kept until it is put aside. */
export function UnusedLink(): JSX.Element | null {
  const access = useStore().access.value;
  if (!link.value || access.kind !== 'in') return null;
  return (
    <div class="update" role="status">
      <span>{s.accounts.unused_link(access.email)}</span>
      <button type="button" onClick={() => (link.value = undefined)}>
        {t.close}
      </button>
    </div>
  );
}
