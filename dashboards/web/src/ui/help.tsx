// The keys, on `?`.

import { For, onMount, type JSX } from 'solid-js';
import { Icon } from './icon';

const KEYS: readonly [string[], string][] = [
  [['/'], 'Filter apps, or go to the query'],
  [['j', 'k'], 'Next and previous row'],
  [['Enter'], 'Open the row'],
  [['o'], 'Overview'],
  [['q'], 'Query'],
  [['1', '2', '3', '4'], 'Range of 5 min, 15 min, 1 h, 6 h'],
  [['t'], 'Light or dark'],
  [['Esc'], 'Clear, close, or back to live'],
  [['?'], 'This help'],
];

export function Help(props: { onClose: () => void }): JSX.Element {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => props.onClose()}
      onClick={(event) => {
        if (event.target === dialog) dialog.close();
      }}
    >
      <div class="help-body">
        <header>
          <h2 id="help-title">Keyboard</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.close()}>
            <Icon name="close" />
          </button>
        </header>
        <dl>
          <For each={KEYS}>
            {([keys, what]) => (
              <div>
                <dt>
                  <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
                </dt>
                <dd>{what}</dd>
              </div>
            )}
          </For>
        </dl>
        <p class="quiet">Drag across a chart to look closer. The address always holds what you see, so copy it to share.</p>
        <p class="quiet">
          <a href="./licenses.txt">Licences of the libraries within</a>
        </p>
      </div>
    </dialog>
  );
}
