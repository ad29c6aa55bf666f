"""Relaxed, then hard: relaxed samples, which become straight-through for the last 15 % of a run."""

from relaxed import Relaxed


class Hardened(Relaxed):
    settings = Relaxed.settings | dict(harden=0.85)
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, noise=(0.25, 0.25)))


Chosen = Hardened
