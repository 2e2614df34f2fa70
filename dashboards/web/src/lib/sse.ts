// Parser of server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html
// EventSource cannot send an Authorization header, so the stream is read with fetch.

export interface ServerEvent {
  /** Last id seen on the stream, this event's own included; empty if none. */
  id: string;
  /** `message` unless the server named it. */
  event: string;
  data: string;
}

/** Characters of one unfinished event; a server that sends more is not one of ours. */
export const EVENT_LENGTH_MAX = 32 * 1024 * 1024;

/** Incremental: feed it text as it comes, in pieces cut anywhere. */
export class SseParser {
  #partial = '';
  #skipLf = false;
  #started = false;
  #id = '';
  #event = '';
  #data: string[] = [];
  #size = 0;
  readonly #onEvent: (event: ServerEvent) => void;

  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Throws when one event grows beyond `EVENT_LENGTH_MAX`. */
  feed(chunk: string): void {
    let text = chunk;
    if (!this.#started && text.length > 0) {
      this.#started = true;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    // A CR LF pair cut in two must not count as two line ends.
    if (this.#skipLf && text.length > 0) {
      this.#skipLf = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    let start = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code !== 10 && code !== 13) continue;
      this.#line(this.#partial + text.slice(start, i));
      this.#partial = '';
      if (code === 13) {
        if (i + 1 === text.length) this.#skipLf = true;
        else if (text.charCodeAt(i + 1) === 10) i += 1;
      }
      start = i + 1;
    }
    this.#partial += text.slice(start);
    if (this.#partial.length + this.#size > EVENT_LENGTH_MAX) throw new Error('event too long');
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, sent to keep the connection alive
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === 'event') {
      this.#event = value;
    } else if (field === 'id' && !value.includes('\0')) {
      this.#id = value;
    }
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event;
    this.#data = [];
    this.#event = '';
    this.#size = 0;
    if (data.length === 0) return;
    this.#onEvent({ id: this.#id, event: event === '' ? 'message' : event, data: data.join('\n') });
  }
}
