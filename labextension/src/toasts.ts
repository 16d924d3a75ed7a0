/** Says in a toast what happened to jobs, and opens the job from there. Many at once become one. */

import { Notification } from '@jupyterlab/apputils';
import type { Actions } from './actions';
import { brief, count } from './format';
import type { JobStore } from './model/jobs';
import type { Live } from './model/live';
import type { Settings } from './settings';
import { Commands } from './tokens';
import type { Note } from './wire';

const MOST = 3;
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
export function wanted(notes: Note[], toasts: Settings['toasts']): Note[] {
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

export function toast(live: Live, settings: Settings, actions: Actions): void {
  live.opened.connect((_, store) => {
    store.noted.connect((_, notes) => say(store, wanted(notes, settings.toasts), settings, actions));
  });
}

function say(store: JobStore, notes: Note[], settings: Settings, actions: Actions): void {
  const spoken = notes.flatMap(note => {
    const said = words(note);
    return said ? [{ note, ...said }] : [];
  });
  const autoClose = settings.toastSeconds > 0 ? settings.toastSeconds * 1000 : (false as const);
  if (spoken.length > MOST) {
    const bad = spoken.filter(one => one.kind === 'error').length;
    const text = `${count(spoken.length, 'job')} ended${bad ? `, ${bad} of them badly` : ''}.`;
    Notification.emit(text, bad ? 'error' : 'success', {
      autoClose,
      actions: [{ label: 'Show', callback: () => actions.open(Commands.openPanel, store.lab) }]
    });
    return;
  }
  for (const { note, text, kind } of spoken) {
    Notification.emit(text, kind, {
      autoClose,
      actions: [{ label: 'Open job', callback: () => actions.openJob(store.lab, note.job) }]
    });
  }
}
