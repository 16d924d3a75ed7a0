/** Runs a notebook's cell as a job: through its kernel, which captures; without one, as the cell alone. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import type { IOutput } from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents, Kernel } from '@jupyterlab/services';
import { serverPath } from '../model/path';
import type { ITether } from '../tokens';
import { JOB_MIME } from '../wire';
import { asJob } from './code';

const WAITS = 'Waits until the kernel is free to capture what this cell uses. From then on the job needs no kernel.';
const LOST = 'The kernel ended before it could capture what this cell uses: there is no job. Run it again.';

/** Milliseconds: a kernel says that it is idle after a request of the debugger, too, while a cell runs. */
const SOON = 500;

export async function runCell(
  tether: ITether,
  contents: Contents.IManager,
  panel: NotebookPanel,
  cell: CodeCell
): Promise<void> {
  const source = cell.model.sharedModel.getSource();
  if (!source.trim()) {
    Notification.warning('The cell is empty: there is nothing to run.', { autoClose: 4000 });
    return;
  }
  const language = panel.content.model?.defaultKernelLanguage ?? 'python';
  if (language && !/python/i.test(language)) {
    Notification.warning(`Only Python cells become jobs; this notebook speaks ${language}.`, { autoClose: 6000 });
    return;
  }
  const { sessionContext } = panel;
  if (!sessionContext.isReady && !sessionContext.hasNoKernel) {
    await sessionContext.ready;
  }
  const kernel = sessionContext.session?.kernel;
  if (kernel && isAlive(kernel)) {
    through(kernel, cell, source);
  } else {
    await without(tether, contents, panel, cell, source);
  }
}

function isAlive(kernel: Kernel.IKernelConnection): boolean {
  return !kernel.isDisposed && !['dead', 'terminating', 'unknown'].includes(kernel.status);
}

/** The kernel does it when it is free, and puts the card below the cell. */
function through(kernel: Kernel.IKernelConnection, cell: CodeCell, source: string): void {
  const { outputArea } = cell;
  const isIdle = kernel.status === 'idle';
  const future = kernel.requestExecute(
    { code: asJob(source), store_history: false, stop_on_error: false, allow_stdin: true },
    false,
    { cellId: cell.model.id }
  );
  outputArea.future = future;
  let waits = true;
  let isSaid = false;
  const say = () => {
    isSaid = true;
    outputArea.model.add(words(WAITS));
  };
  const soon = isIdle ? window.setTimeout(say, SOON) : undefined;
  if (!isIdle) {
    say();
  }
  future.registerMessageHook(() => {
    if (waits) {
      waits = false;
      window.clearTimeout(soon);
      if (isSaid) {
        outputArea.model.clear();
      }
    }
    return true;
  });
  future.done.then(
    () => undefined,
    () => {
      window.clearTimeout(soon);
      if (waits && outputArea.future === future) {
        outputArea.model.clear();
        outputArea.model.add(words(LOST));
      }
    }
  );
}

function words(text: string): IOutput {
  return { output_type: 'display_data', data: { 'text/plain': text }, metadata: {} };
}

/** No kernel: the cell alone may still be a job, if a person says so. */
async function without(
  tether: ITether,
  contents: Contents.IManager,
  panel: NotebookPanel,
  cell: CodeCell,
  source: string
): Promise<void> {
  const lab = tether.live.current;
  if (!lab) {
    Notification.error('The server knows no lab that could run it. Start a kernel first.', { autoClose: 8000 });
    return;
  }
  const asked = await showDialog({
    title: 'Run this cell without captures?',
    body:
      'The kernel is not running, so nothing that other cells defined can be taken along. ' +
      'A cell that stands on its own runs all the same.',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Run the cell alone' })]
  });
  if (!asked.button.accept) {
    return;
  }
  try {
    const api = tether.actions.lab(lab);
    const said = await api.submitCell({
      source,
      notebook: serverPath(one => contents.localPath(one), panel.context.path),
      cell_id: cell.model.id,
      kernel: panel.sessionContext.kernelPreference.name ?? null
    });
    tether.live.store(lab).put(said.jobs);
    const { raw, detail } = await api.card(said.ids[0]);
    cell.outputArea.model.clear();
    cell.outputArea.model.add({
      output_type: 'display_data',
      data: {
        [JOB_MIME]: {
          version: 1,
          lab,
          lab_name: tether.live.lab?.name ?? '',
          job: { id: detail.job.id, uuid: detail.job.uuid },
          at: detail.at.toISOString(),
          snapshot: raw
        },
        'text/plain': `Job ${detail.job.key} #${detail.job.id}, ${detail.job.status}`
      } as IOutput['data'],
      metadata: {}
    });
  } catch (error) {
    tether.actions.say(error);
  }
}
