"""Straight-through: forward a thought is one token, backward it is the relaxed mixture."""

from relaxed import Relaxed


class Straight(Relaxed):
    settings = Relaxed.settings | dict(hard=True)
    tuning = ({}, dict(rate=2e-3), dict(rate=2e-3, noise=(1.0, 1.0), temperature=(1.0, 1.0)))


Chosen = Straight
