"""The model of the study in one piece of C, `layer.c`, which gcc compiles when it is needed.

`Quick` is a Transformer of one layer of width 64 whose forward and backward pass and optimiser
step are C. The page compares them with math_llm's own.
"""

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from math_llm.model import Transformer
from math_llm.options import InputError


@cache
def library():
    "The compiled layer"
    if not shutil.which('gcc'):
        raise InputError('the runs of this study need gcc')
    source, flags = Path(__file__).with_name('layer.c'), '-O3 -ffast-math -march=native'.split()
    with tempfile.TemporaryDirectory() as folder:
        made = f'{folder}/layer.so'
        subprocess.run(['gcc', *flags, '-shared', '-fPIC', source, '-o', made, '-lm'], check=True)
        c = ctypes.CDLL(made)
    c.kept_floats.restype = ctypes.c_long
    for what in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD: keep memory that is used again
        c.mallopt(what, 2**30)
    return c


def p(tensor):
    "The address of its values"
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def n(*numbers):
    return [ctypes.c_long(int(i)) for i in numbers]


class Layer(torch.autograd.Function):
    "Inputs (b, t, 64) to normalised outputs (b, n, 64); `order` makes backward calls go backwards"

    @staticmethod
    def forward(ctx, x, order, model, store, wanted, seen):
        x, (b, t, _), c = x.contiguous(), x.shape, model.c
        start, room = store['n'], store['k'].shape[1]
        sizes = n(b, t, wanted, start)
        kept = torch.empty(c.kept_floats(*n(b, t, wanted, start + t)))
        y = torch.empty(b, wanted, x.shape[2])
        if seen is not None:
            seen = seen.contiguous()
        c.forward(p(model.flat), p(model.turned), p(model.angles), *n(model.angles.shape[1]),
                  *sizes, *n(room), p(x), p(store['k']), p(store['v']), p(seen), p(kept), p(y))
        ctx.now = model, store, sizes, room, kept
        ctx.shape = x.shape
        return y, order.clone()

    @staticmethod
    def backward(ctx, dy, _):
        (model, store, sizes, room, kept), dx = ctx.now, torch.empty(ctx.shape)
        ctx.now = None  # store holds this graph by `order`: else memory waits for the collector
        first = 'dk' not in store
        if first:
            store['dk'], store['dv'] = torch.empty_like(store['k']), torch.empty_like(store['v'])
        model.c.backward(p(model.flat), p(model.angles), *n(model.angles.shape[1]), *sizes,
                         *n(room), p(store['k']), p(store['v']), p(kept), p(dy.contiguous()),
                         p(model.grads), p(store['dk']), p(store['dv']), ctypes.c_int(first), p(dx))
        return dx, torch.zeros(1), None, None, None, None


class Quick(Transformer):
    "Rows of a batch are equally long and stand at positions 0, 1, 2 …"

    def __init__(self, config):
        super().__init__(config)
        self.c, params = library(), list(self.parameters())
        self.angles = self.angles.contiguous()
        self.flat = torch.cat([q.data.flatten() for q in params])
        self.grads, self.m1, self.m2 = (torch.zeros_like(self.flat) for _ in range(3))
        self.turned, self.steps, at = torch.empty_like(self.flat), 0, 0
        for q in params:
            q.data = self.flat[at : at + q.numel()].view_as(q)
            q.grad = self.grads[at : at + q.numel()].view_as(q)
            at += q.numel()
        self.turn()

    def turn(self):
        self.c.turn(p(self.flat), p(self.turned))

    def update(self, rate, decay, scale):
        "One step of Muon and AdamW with the gradients times `scale`, which are then set to zero"
        self.steps += 1
        f = ctypes.c_float
        self.c.update(p(self.flat), p(self.grads), p(self.m1), p(self.m2), f(rate), f(decay),
                      f(scale), *n(self.steps))
        self.grads.zero_()
        self.turn()

    def forward(self, x, cache=None, positions=None, hook=None, at=None, visible=None):
        b, t = x.shape[:2]
        store = getattr(cache, 'store', None)
        if store is None:
            room = t if cache is None else self.config.max_length
            store = dict(n=0, order=torch.zeros(1, requires_grad=True))
            store |= {name: torch.empty(b, room, self.config.d_model) for name in 'kv'}
            if cache is not None:
                cache.store = store
        assert store['n'] + t <= store['k'].shape[1]
        h = x @ self.embed.weight if x.is_floating_point() else self.embed(x)
        hook = hook or (lambda name, value: value)
        h = hook('embed', h)
        wanted = t if at is None else at.shape[1]
        seen = None if visible is None else visible[:, 0]
        y, store['order'] = Layer.apply(h, store['order'], self, store, wanted, seen)
        store['n'] += t
        if cache is not None:
            cache.n = store['n']
        return hook('logits', self.head(hook('final_norm', y)))
