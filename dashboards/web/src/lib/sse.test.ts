import { describe, expect, it } from 'vitest';
import { EVENT_LENGTH_MAX, SseParser, type ServerEvent } from './sse';

function parse(...chunks: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parser = new SseParser((event) => events.push(event));
  for (const chunk of chunks) parser.feed(chunk);
  return events;
}

describe('SseParser', () => {
  it('reads names, ids and data', () => {
    expect(parse('id: 124\nevent: event\ndata: {"a":1}\n\n')).toEqual([{ id: '124', event: 'event', data: '{"a":1}' }]);
  });

  it('calls an unnamed event a message and forgets the name after it', () => {
    expect(parse('event: x\ndata: 1\n\ndata: 2\n\n').map((event) => event.event)).toEqual(['x', 'message']);
  });

  it('keeps the id for later events', () => {
    expect(parse('id: 7\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n').map((event) => event.id)).toEqual(['7', '7', '']);
  });

  it('joins data lines and takes one space off', () => {
    expect(parse('data:  a\ndata\ndata:b\n\n')[0]?.data).toBe(' a\n\nb');
  });

  it('ignores comments, unknown fields and events without data', () => {
    expect(parse(': keep-alive\n\nretry: 5\nfoo: bar\nevent: x\n\n')).toEqual([]);
  });

  it('does not give out an event before its empty line', () => {
    expect(parse('data: 1\n')).toEqual([]);
  });

  it('drops a byte order mark only at the start', () => {
    expect(parse('\ufeffdata: 1\n\n\ufeffdata: 2\n\n').length).toBe(1);
  });

  it('refuses an event without end', () => {
    const parser = new SseParser(() => undefined);
    const line = `data: ${'x'.repeat(1024 * 1024)}\n`;
    expect(() => {
      for (let size = 0; size <= EVENT_LENGTH_MAX; size += 1024 * 1024) parser.feed(line);
    }).toThrow('too long');
  });

  it('gives the same for every line end and every way to cut the text', () => {
    const text = 'id: 1\nevent: sample\ndata: {"x":"é – 𝄞"}\n\n: ping\n\ndata: a\ndata: b\n\n';
    const expected = parse(text);
    expect(expected.length).toBe(2);
    for (const end of ['\n', '\r', '\r\n']) {
      const whole = text.replace(/\n/g, end);
      for (let cut = 0; cut <= whole.length; cut += 1) {
        expect(parse(whole.slice(0, cut), whole.slice(cut))).toEqual(expected);
      }
      expect(parse(...whole)).toEqual(expected);
    }
  });
});
