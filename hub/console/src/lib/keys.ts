// Keyboard. Single letters act only where nobody is typing and no dialog is open; `g` waits a second
// for the page's letter. The catalogue is what the help dialog (?) shows.
export interface Shortcut {
  keys: string;
  what: string;
  where: string;
}

export const shortcuts: Shortcut[] = [
  { keys: 'g o', what: 'Overview', where: 'everywhere' },
  { keys: 'g x', what: 'Exceptions', where: 'everywhere' },
  { keys: 'g a', what: 'Approvals', where: 'everywhere' },
  { keys: 'g e', what: 'Entity', where: 'everywhere' },
  { keys: 'g w', what: 'Workflows', where: 'everywhere' },
  { keys: 'g p', what: 'Policy', where: 'everywhere' },
  { keys: 'g r', what: 'Reconciliation', where: 'everywhere' },
  { keys: 'g y', what: 'Replay', where: 'everywhere' },
  { keys: 'g n', what: 'Agents', where: 'everywhere' },
  { keys: 'g v', what: 'Value', where: 'everywhere' },
  { keys: '/', what: 'search for an entity', where: 'everywhere' },
  { keys: '?', what: 'this list', where: 'everywhere' },
  { keys: 'Esc', what: 'close what is open', where: 'everywhere' },
  { keys: 'j  k', what: 'next, previous', where: 'lists' },
  { keys: 'Enter', what: 'open', where: 'lists' },
  { keys: 'x', what: 'mark', where: 'exceptions' },
  { keys: 'a  r  t  d  e', what: 'accept, reject, retry, discard, edit', where: 'an exception' },
];

type Handler = (event: KeyboardEvent) => boolean | void;
const handlers: Handler[] = [];

export function onKeys(handler: Handler): () => void {
  handlers.unshift(handler);
  return () => {
    const at = handlers.indexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
  };
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !['checkbox', 'radio', 'range', 'button'].includes(target.type);
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

window.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector('dialog[open]') !== null) return;
  for (const handler of [...handlers]) {
    if (handler(event) === true) {
      event.preventDefault();
      return;
    }
  }
});
