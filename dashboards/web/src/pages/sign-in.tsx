// Asks for a token.

import { createSignal, onMount, Show, type JSX } from 'solid-js';
import { refused, signIn } from '../state/session';
import { Logo } from '../ui/logo';

export function SignIn(): JSX.Element {
  const [value, setValue] = createSignal('');
  let input!: HTMLInputElement;
  onMount(() => input.focus());
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (value().trim() !== '') signIn(value().trim());
        }}
      >
        <h1>
          <Logo /> Tidewatch
        </h1>
        <label for="token">Access token</label>
        <input id="token" type="password" autocomplete="current-password" ref={input} required spellcheck={false} aria-invalid={refused()} aria-describedby="token-help" onInput={(event) => setValue(event.currentTarget.value)} />
        <Show when={refused()}>
          <p class="notice bad" role="alert">
            The aggregator does not know this token, or it has expired.
          </p>
        </Show>
        <button type="submit" class="button primary wide">
          Sign in
        </button>
        <p id="token-help" class="quiet">
          The token stays in this browser tab and is forgotten when the tab closes.
        </p>
      </form>
    </main>
  );
}
