/** "Run notebook as job": on a notebook's toolbar, in the palette, in the file browser's menu. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { runJobIcon } from '../icons';
import { serverPath } from '../model/path';
import { CATEGORY } from '../plugins';
import { Commands, ITether } from '../tokens';
import { runNotebook } from './run';

export const notebooks: JupyterFrontEndPlugin<void> = {
  id: 'tether-lab:notebooks',
  description: 'Runs whole notebooks as jobs.',
  autoStart: true,
  requires: [ITether],
  optional: [INotebookTracker, IFileBrowserFactory, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    tracker: INotebookTracker | null,
    files: IFileBrowserFactory | null,
    palette: ICommandPalette | null
  ) => {
    const { contents } = app.serviceManager;
    const local = (path: string) => serverPath(one => contents.localPath(one), path);
    const chosen = () =>
      [...(files?.tracker.currentWidget?.selectedItems() ?? [])].filter(item => item.type === 'notebook');

    app.commands.addCommand(Commands.runNotebook, {
      label: 'Run Notebook as Job …',
      caption: 'Run the whole notebook as a job, with parameters',
      icon: runJobIcon,
      isEnabled: args => !!args.path || (args.chosen ? chosen().length === 1 : !!tracker?.currentWidget),
      execute: async args => {
        if (args.path || args.chosen) {
          const path = (args.path as string | undefined) ?? chosen()[0]?.path;
          return path ? runNotebook(tether, local(path)) : undefined;
        }
        const panel = tracker?.currentWidget;
        if (!panel) {
          return;
        }
        if (panel.context.model.dirty) {
          await panel.context.save(); // it runs as it is on disk
        }
        return runNotebook(tether, local(panel.context.path));
      },
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string', description: 'The notebook, as the file browser shows it; the open one if left out.' },
            chosen: { type: 'boolean', description: 'The one that is chosen in the file browser.' }
          }
        }
      }
    });
    tracker?.currentChanged.connect(() => app.commands.notifyCommandChanged(Commands.runNotebook));
    palette?.addItem({ command: Commands.runNotebook, category: CATEGORY });
  }
};
