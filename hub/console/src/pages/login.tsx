import { useEffect, useState } from 'preact/hooks';
import { Failure, get, post, url } from '../lib/api';
import { Field, Icon } from '../parts/basics';

interface Ways {
  oidc: { name: string } | null;
}

/** Where people sign in who have no token. The browser goes there, and comes back to this page. */
function SignIn() {
  const [ways, setWays] = useState<Ways | null>(null);
  useEffect(() => {
    const leave = new AbortController();
    // Without an answer there is the token still.
    get<Ways>('login', {}, leave.signal).then(setWays, () => undefined);
    return () => leave.abort();
  }, []);
  if (ways?.oidc == null) return null;
  const to = location.hash.startsWith('#/') ? location.hash : '';
  return (
    <a class="button sign-in" href={url('oidc/login', { to })}>Sign in with {ways.oidc.name}</a>
  );
}

export function Login({ onDone }: { onDone: () => void }) {
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const token = (form.elements.namedItem('token') as HTMLInputElement).value.trim();
    if (token === '') return setFailure('Type the token that an administrator gave you.');
    setBusy(true);
    setFailure('');
    try {
      await post('login', { token });
      onDone();
    } catch (error) {
      setFailure(error instanceof Failure && error.kind === 'unauthenticated'
        ? 'This token opens nothing: it is not known here, or has expired.'
        : error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Syncline</h1>
        <Field label="Token" hint="synclinectl token new NAME makes one">
          <input name="token" type="password" autocomplete="current-password" autofocus
            aria-invalid={failure !== '' ? 'true' : undefined} />
        </Field>
        {failure !== '' && <p class="problem" role="alert"><Icon name="warn" /> {failure}</p>}
        <button type="submit" class="button main" disabled={busy}>
          {busy ? 'One moment\u2026' : 'Log in'}
        </button>
        <SignIn />
      </form>
    </main>
  );
}
