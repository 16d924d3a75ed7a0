/** Says in a toast what happened to jobs, and opens the job from there. Many at once become one. */

import { Notification } from '@jupyterlab/apputils';
import type { Actions } from './actions';
import { count } from './format';
import type { JobStore } from './model/jobs';
import type { Live } from './model/live';
import type { Settings } from './settings';
import { Commands } from './tokens';
import { wanted, words } from './model/notes';
import type { Note } from './wire';

const MOST = 3;

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
