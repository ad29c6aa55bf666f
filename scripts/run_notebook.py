#!/usr/bin/env python
"""Run notebooks in place, so that their stored outputs are what their cells print today.

    python scripts/run_notebook.py nbs/04_decoding.ipynb
    python scripts/run_notebook.py --flags "slow gpu" nbs/25_training.ipynb

A cell that is skipped (`#| eval: false`, or a flag of `tst_flags` in settings.ini that `--flags`
does not name) keeps the output it has; every other code cell gets a new one. At the first exception
the traceback is shown and the notebook stays as it was. The notebook is cleaned as `nbdev_clean`
cleans it. The order of the cells is the order of the run.
"""
import argparse
import sys
from pathlib import Path

from execnb.nbio import read_nb, write_nb
from execnb.shell import CaptureShell
from fastcore.foundation import working_directory
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.process import extract_directives

import signposts


def skipped(cell, flags):
    "Is `cell` one that does not run?"
    directives = extract_directives(cell, remove=False)
    never = directives.get('eval:', [''])[0].lower() == 'false' or 'nbdev_export(' in cell.source
    return never or bool(flags & directives.keys())


def run(path, flags):
    """Run the notebook at `path` in its own folder and write it back; False, with a traceback, when
    a cell raised."""
    nb, shell = read_nb(path), CaptureShell()
    with working_directory(path.parent):
        for cell in nb.cells:
            if cell.cell_type != 'code' or skipped(cell, flags): continue
            cell.outputs = []
            shell.cell(cell)
            if shell.exc:
                print(shell.prettytb(path), file=sys.stderr)
                return False
    write_nb(nb, path)
    nbdev_clean.__wrapped__(str(path))
    return True


def main():
    parser = argparse.ArgumentParser(description='Run notebooks in place.')
    parser.add_argument('notebooks', nargs='+', type=Path, metavar='NOTEBOOK')
    parser.add_argument('--flags', default='',
                        help='flagged cells to run as well, for example "slow gpu"')
    args = parser.parse_args()
    if wrong := [p for p in args.notebooks if p.suffix != '.ipynb' or not p.is_file()]:
        parser.error(f'{wrong[0]} is no notebook')
    config = get_config()
    sys.path.insert(0, str(config.config_path))
    flags = set(config.tst_flags.split()) - set(args.flags.split())
    done = all(run(path.resolve(), flags) for path in args.notebooks)
    places = {(signposts.NBS/name).resolve(): name for name in signposts.order()}
    signposts.update(filter(None, (places.get(path.resolve()) for path in args.notebooks)))
    return 0 if done else 1


if __name__ == '__main__': sys.exit(main())
