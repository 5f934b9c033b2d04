import { useState } from 'preact/hooks';
import { Failure, post } from '../lib/api';
import { Field, Icon } from '../parts/basics';

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
      </form>
    </main>
  );
}
