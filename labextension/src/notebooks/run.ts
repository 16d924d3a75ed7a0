/** Runs a whole notebook as a job: as it is on disk, with the parameters that a person gives. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { ITether } from '../tokens';
import * as wire from '../wire';
import { Draft, EMPTY, NotebookForm, request } from './form';

/** Asked again, with what was typed and why not, until it runs or the person gives up. */
export async function runNotebook(tether: ITether, path: string): Promise<void> {
  const { api, live, actions } = tether;
  const name = path.split('/').pop() ?? path;
  try {
    const known = await api.get('notebooks/parameters', wire.parameters, { path });
    const lab = live.current ?? (await defaultLab(tether));
    const job = await ask(name, known, async draft => {
      const said = await actions.lab(lab).runNotebook(request(path, known, draft));
      live.store(lab).put(said.jobs);
      return said.ids[0];
    });
    if (job !== null) {
      actions.openJob(lab, job);
    }
  } catch (error) {
    actions.say(error);
  }
}

async function ask(
  name: string,
  known: wire.Parameters,
  run: (draft: Draft) => Promise<number>
): Promise<number | null> {
  let draft = EMPTY;
  let error: unknown = null;
  for (;;) {
    const said = await showDialog<Draft>({
      title: `Run ${name} as a job`,
      body: new NotebookForm(name, known, draft, error),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Run' })],
      focusNodeSelector: '.tl-Field input'
    });
    if (!said.button.accept) {
      return null;
    }
    draft = said.value ?? draft;
    try {
      return await run(draft);
    } catch (refused) {
      error = refused;
    }
  }
}

/** Nothing has been a job here yet: the lab is made. */
async function defaultLab(tether: ITether): Promise<string> {
  const made = await tether.api.post('labs', null, wire.lab);
  await tether.live.readLabs();
  return made.uuid ?? '';
}
