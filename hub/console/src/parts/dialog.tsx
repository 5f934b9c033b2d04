// Dialogs are the browser's own: it keeps the focus inside and closes on Escape.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Button, Icon } from './basics';
import { Failure } from '../lib/api';

export function Dialog({ title, onClose, children, wide = false }: {
  title: string; onClose: () => void; children: ComponentChildren; wide?: boolean;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const name = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={box} class={wide ? 'wide' : ''} aria-labelledby={name}
      onClose={onClose}
      onKeyDown={(event) => event.stopPropagation() /* What is typed here is for nobody else. */}
      onClick={(event) => { if (event.target === box.current) box.current?.close(); }}>
      <div class="dialog-box">
        <header>
          <h2 id={name}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close"
            onClick={() => box.current?.close()}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before something is done: `children` says what will come of it. What fails stays open. */
export function Confirm({ title, verb, danger = false, ready = true, onClose, act, children,
  wide = false }: {
  title: string; verb: string; danger?: boolean; ready?: boolean; wide?: boolean;
  onClose: () => void; act: () => Promise<void>; children: ComponentChildren;
}) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || !ready) return;
    setBusy(true);
    setFailure(null);
    try {
      await act();
      onClose();
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure('failed', String(error)));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form onSubmit={(event) => void submit(event)}>
        <div class="dialog-body">
          {children}
          {failure !== null && (
            <p class="problem" role="alert"><Icon name="warn" /> {failure.message}
              {failure.hint !== '' && <> <span class="dim">{failure.hint}</span></>}
            </p>
          )}
        </div>
        <footer>
          <Button tone="quiet" onClick={onClose}>Cancel</Button>
          <Button type="submit" tone={danger ? 'danger' : 'main'} disabled={busy || !ready}>
            {busy ? 'Working\u2026' : verb}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
