/** Tether Lab in JupyterLab. This file only wires: each plugin stands in a file of its own. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { cells } from './cells/plugin';
import { notebooks } from './notebooks/plugin';
import { pages } from './pages/plugin';
import { core } from './plugins';
import { renderer } from './renderer';

const plugins: JupyterFrontEndPlugin<unknown>[] = [core, renderer, pages, cells, notebooks];

export default plugins;
