// The box for a query, with completion of names.

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { complete, wordAt } from '../lib/promql';
import { metricNames } from '../state/query';

export function QueryEditor(props: { value: string; busy: boolean; invalid: boolean; onRun: (expr: string) => void }): JSX.Element {
  const [text, setText] = createSignal(props.value);
  const [caret, setCaret] = createSignal(-1);
  const [chosen, setChosen] = createSignal(-1);
  let area!: HTMLTextAreaElement;
  // An address that changes (back, an example) changes the text; typing does not wait for the address.
  let known = props.value;
  createMemo(() => {
    if (props.value !== known) {
      known = props.value;
      setText(props.value);
      setCaret(-1);
    }
  });
  const word = createMemo(() => (caret() < 0 ? null : wordAt(text(), caret())));
  const offers = createMemo(() => {
    const at = word();
    return at === null || at.text.length < 2 ? [] : complete(at.text, metricNames());
  });
  const close = () => {
    setCaret(-1);
    setChosen(-1);
  };
  const run = () => {
    close();
    known = text();
    props.onRun(text());
  };
  const accept = (index: number) => {
    const at = word();
    const offer = offers()[index];
    if (at === null || offer === undefined) return;
    const added = offer.kind === 'function' ? `${offer.text}(` : offer.text;
    const end = at.start + added.length;
    setText(text().slice(0, at.start) + added + text().slice(at.end));
    area.value = text();
    area.setSelectionRange(end, end);
    close();
    area.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const open = offers().length > 0;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      const last = offers().length - 1;
      if (event.key === 'ArrowDown') setChosen(chosen() >= last ? 0 : chosen() + 1);
      else setChosen(chosen() <= 0 ? last : chosen() - 1);
    } else if (open && event.key === 'Tab' && !event.shiftKey) accept(Math.max(0, chosen()));
    else if (open && event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey) {
      if (open && chosen() >= 0) accept(chosen());
      else run();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <div class="editor-box" classList={{ invalid: props.invalid }}>
        <textarea
          ref={area}
          data-search
          aria-label="PromQL query"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={offers().length > 0 ? 'offers' : undefined}
          aria-activedescendant={chosen() >= 0 ? `offer-${chosen()}` : undefined}
          aria-invalid={props.invalid}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          rows={Math.min(12, Math.max(1, text().split('\n').length))}
          placeholder="sum by (app) (rate(istio_requests_total[30s]))"
          value={text()}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCaret(event.currentTarget.selectionStart);
            setChosen(-1);
          }}
          onKeyDown={onKey}
          onBlur={close}
        />
        <Show when={offers().length > 0}>
          <ul id="offers" role="listbox" aria-label="Completions" class="offers">
            <For each={offers()}>
              {(offer, index) => (
                <li
                  id={`offer-${index()}`}
                  role="option"
                  aria-selected={chosen() === index()}
                  onMouseDown={(event) => {
                    event.preventDefault();
                    accept(index());
                  }}
                >
                  <span>{offer.text}</span>
                  <span class="quiet">{offer.kind}</span>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </div>
      <button type="submit" class="button primary" aria-busy={props.busy}>
        {props.busy ? 'Running' : 'Run'}
      </button>
    </form>
  );
}
