/** What people are told of the ends of jobs. Pure. */

import { brief } from '../format';
import type { Toasts } from '../settings';
import type { Note } from '../wire';

const BAD = new Set(['failed', 'timed_out', 'crashed', 'lost', 'expired']);
const ENDS: Record<string, string> = {
  succeeded: 'completed',
  completed: 'completed',
  failed: 'failed',
  timed_out: 'timed out',
  crashed: 'crashed',
  lost: 'lost its worker',
  expired: 'expired'
};

type Kind = 'default' | 'success' | 'error';

/** What a toast says of a note; null: nothing. */
export function words(note: Note): { text: string; kind: Kind } | null {
  const name = `${brief(note.key, 40)} #${note.job}`;
  if (note.kind === 'notified') {
    return { text: `${note.title || name}: ${brief(note.text, 300)}`, kind: 'default' };
  }
  const end = ENDS[note.kind];
  if (end === undefined) {
    return null; // who cancels a job knows it
  }
  const why = note.text ? `: ${brief(note.text, 160)}` : '';
  return { text: `${name} ${end}${why}`, kind: BAD.has(note.kind) ? 'error' : 'success' };
}

/** The notes that the settings ask for. */
export function wanted(notes: Note[], toasts: Toasts): Note[] {
  switch (toasts) {
    case 'all':
      return notes;
    case 'failures':
      return notes.filter(note => note.kind === 'notified' || BAD.has(note.kind));
    case 'asked':
      return notes.filter(note => note.kind === 'notified');
    case 'none':
      return [];
  }
}
