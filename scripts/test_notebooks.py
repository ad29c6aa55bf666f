#!/usr/bin/env python
"""Test the notebooks as `nbdev_test` does, and end with the line `N passed, N failed`, counted in notebooks.

    python scripts/test_notebooks.py
    python scripts/test_notebooks.py --path nbs/03_decoding.ipynb --flags "slow"

Each notebook goes through nbdev's own runner. Unlike `nbdev_test`, one that takes its worker process down is counted.
"""
import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from fastcore.foundation import working_directory
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import test_nb


def main():
    parser = argparse.ArgumentParser(description='Test notebooks and count them.')
    parser.add_argument('--path', help='a notebook or a folder (default: all notebooks)')
    parser.add_argument('--flags', default='', help='flagged cells to run as well, for example "slow gpu"')
    parser.add_argument('--n_workers', type=int, default=2, help='notebooks at a time')
    args = parser.parse_args()
    config = get_config()
    notebooks = sorted(path.absolute() for path in nbglob(args.path, as_path=True))
    flags = dict(skip_flags=config.tst_flags.split(), force_flags=args.flags.split())
    passed = 0
    with working_directory(config.nbs_path), ProcessPoolExecutor(args.n_workers) as pool:
        jobs = {pool.submit(test_nb, path, basepath=config.config_path, **flags): path.name for path in notebooks}
        for job in as_completed(jobs):
            ok, seconds = (False, 0) if job.exception() else job.result()
            passed += ok
            why = f': {job.exception()!r}' if job.exception() else ''
            print(f"{'passed' if ok else 'FAILED'}  {jobs[job]}  {seconds:.0f} s{why}", flush=True)
    sys.stderr.flush()
    print(f'{passed} passed, {len(notebooks)-passed} failed', flush=True)
    return 0 if notebooks and passed == len(notebooks) else 1


if __name__ == '__main__': sys.exit(main())
