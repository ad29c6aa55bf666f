#!/usr/bin/env python
"""Test the notebooks as `nbdev_test` does, and end with the line `N passed, N failed`, counted in
notebooks.

    python scripts/test_notebooks.py
    python scripts/test_notebooks.py --path nbs/04_decoding.ipynb --flags "slow"
    python scripts/test_notebooks.py --pretend-gpu

Each notebook goes through nbdev's own runner. Unlike with `nbdev_test`, there is a time limit, and
a notebook that takes its worker process down or does not come to an end is counted as failed.
With `--pretend-gpu` they run as on a machine with a GPU, as far as pretended_gpu.py pretends one.
"""
import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor, TimeoutError, as_completed
from pathlib import Path

from fastcore.foundation import working_directory
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import test_nb


def pretend_gpu(kind):
    "Let a worker process have a GPU that is none"
    if not kind: return
    import pretended_gpu
    pretended_gpu.install(kind)


def test_all(notebooks, n_workers, time_limit, gpu=None, **kwargs):
    """Yield each notebook of `notebooks` that came to an end, with whether it passed, its seconds,
    and what went wrong besides; perhaps with a pretended `gpu`."""
    with ProcessPoolExecutor(n_workers, initializer=pretend_gpu, initargs=(gpu,)) as pool:
        jobs = {pool.submit(test_nb, path, **kwargs): path for path in notebooks}
        try:
            for job in as_completed(jobs, timeout=time_limit):
                error = job.exception()
                yield jobs[job], *((False, 0, f': {error!r}') if error else (*job.result(), ''))
        except TimeoutError:
            for process in list(pool._processes.values()): process.kill()


def main():
    parser = argparse.ArgumentParser(description='Test notebooks and count them.')
    parser.add_argument('--path', nargs='+', default=[None],
                        help='notebooks or folders, begun in this order (default: all notebooks)')
    parser.add_argument('--flags', default='',
                        help='flagged cells to run as well, for example "slow gpu"')
    parser.add_argument('--pretend-gpu', nargs='?', const='cuda', choices=['cuda', 'mps'],
                        help='run all on a pretended GPU; cuda, the default, has the flag gpu')
    parser.add_argument('--n_workers', type=int, default=2, help='notebooks at a time (default: 2)')
    parser.add_argument('--time_limit', type=float, default=1800, metavar='SECONDS',
                        help='for all of them (default: 1800)')
    args = parser.parse_args()
    for where in filter(None, args.path):
        if not (Path(where).is_dir() or where.endswith('.ipynb') and Path(where).is_file()):
            parser.error(f'{where} is neither a notebook nor a folder')
    args.n_workers = max(1, args.n_workers)  # 0, for nbdev_test, is this process; here it is one
    # workers share the cores
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, os.cpu_count() // args.n_workers)))
    config = get_config()
    notebooks, passed = list(dict.fromkeys(path.absolute() for where in args.path
                                           for path in sorted(nbglob(where, as_path=True)))), set()
    left = set(notebooks)
    kwargs = dict(skip_flags=config.tst_flags.split(), basepath=config.config_path,
                  force_flags=args.flags.split() + ['gpu'] * (args.pretend_gpu == 'cuda'),
                  gpu=args.pretend_gpu)
    with working_directory(config.nbs_path):
        for path, ok, seconds, error in test_all(notebooks, args.n_workers, args.time_limit,
                                                 **kwargs):
            left.remove(path)
            if ok: passed.add(path)
            print(f"{'passed' if ok else 'FAILED'}  {path.name}  {seconds:.0f} s{error}",
                  flush=True)
    for path in sorted(left): print(f'FAILED  {path.name}  not done after {args.time_limit:g} s')
    sys.stderr.flush()
    print(f'{len(passed)} passed, {len(notebooks)-len(passed)} failed', flush=True)
    return 0 if notebooks and len(passed) == len(notebooks) else 1


if __name__ == '__main__': sys.exit(main())
