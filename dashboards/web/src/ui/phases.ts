// How an incident stands, as a colour and in words.

import type { Phase } from '../lib/incidents';
import type { Tone } from './chart-options';

export const TONES: Record<Phase, Tone> = {
  notice: 'calm',
  injected: 'fault',
  failing: 'bad',
  refused: 'bad',
  restarting: 'act',
  verifying: 'act',
  quarantined: 'held',
  resumed: 'act',
  recovered: 'good',
};

export const WORDS: Record<Phase, string> = {
  notice: '',
  injected: 'not noticed yet',
  failing: 'failing',
  refused: 'failing',
  restarting: 'restarting',
  verifying: 'restarted, watching',
  quarantined: 'quarantined',
  resumed: 'resumed',
  recovered: 'recovered',
};
