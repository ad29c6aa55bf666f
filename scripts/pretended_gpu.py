"""A GPU that is none: its tensors say `cuda` or `mps`, and live in the memory of the processor.

    python scripts/test_notebooks.py --pretend-gpu --path nbs/24_steps.ipynb
    python scripts/test_notebooks.py --pretend-gpu mps

What ends in an error on a GPU ends in an error here, too: an operation on tensors of two devices, a
tensor of the GPU that is given to NumPy, and whatever waits for the GPU, or copies to it, while a
CUDA graph is recorded. A graph is the list of the operations that were called. It is replayed in
the same memory, so a number that Python read while recording stays what it was. With `mps`, a GPU
of Apple's, there is no float64. The arithmetic is the processor's: a GPU's kernels are not tested,
nor their rounding, their speed, or whether there is one.
"""
import contextlib
import sys
from types import SimpleNamespace

import torch
import torch.distributed.tensor  # needs the real Generator when it is imported # noqa: F401
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import return_and_correct_aliasing  # noqa: PLC2701
from torch.utils._pytree import tree_leaves, tree_map_only  # noqa: PLC2701

CPU, GPU = torch.device('cpu'), torch.device('cuda', 0)
WAITS = '_local_scalar_dense', 'nonzero', 'masked_select', '_unique', 'aten.equal.default'
_recording = []  # the graph that is being recorded, if there is one


def tensors(tree): return [x for x in tree_leaves(tree) if isinstance(x, torch.Tensor)]
def memory(x): return x.untyped_storage().data_ptr()


def no_recording(what):
    if _recording: raise RuntimeError(f'not permitted when stream is capturing: {what}')


class GpuTensor(torch.Tensor):
    "A tensor that says it is on the GPU; `host` holds its numbers"
    @staticmethod
    def __new__(cls, host):
        if GPU.type == 'mps' and host.dtype in (torch.float64, torch.complex128):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework "
                            "doesn't support float64")
        made = torch.Tensor._make_wrapper_subclass(
            cls, host.size(), strides=host.stride(), storage_offset=host.storage_offset(),
            dtype=host.dtype, device=CPU)
        made.host = host.detach()
        return made

    def __repr__(self, **_): return f"{repr(self.host)[:-1]}, device='{GPU}')"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        name, kwargs = str(func), kwargs or {}
        check_devices(name, args, kwargs)
        known = {id(getattr(x, 'host', x)): x for x in tensors((args, kwargs))}
        def number(x): # what a kernel is given does not change afterwards
            return x.host if isinstance(x, GpuTensor) else x if x.ndim else x.clone()
        host_args, host_kwargs = tree_map_only(torch.Tensor, number, (args, kwargs))
        if 'copy_' in name and not isinstance(args[0], GpuTensor):
            return args[0].copy_(*host_args[1:])
        out = called(func, host_args, host_kwargs)
        if '_local_scalar_dense' in name or name == 'aten.equal.default': return out
        def result(x): return known[id(x)] if id(x) in known else GpuTensor(x)
        out = tree_map_only(torch.Tensor, result, out)
        return return_and_correct_aliasing(func, args, kwargs, out)


def check_devices(name, args, kwargs):
    "Raise a GPU's error at tensors of two devices, and at what cannot be recorded"
    given = tensors((args, kwargs))
    if any(word in name for word in WAITS): no_recording(name)
    if name.startswith('aten.copy_'):
        if len({isinstance(x, GpuTensor) for x in args[:2]}) == 2: no_recording('a copy')
        return
    if name.startswith(('aten.index.', 'aten.index_put')): # indices may be the processor's
        if any(x.dtype in (torch.bool, torch.uint8) for x in tensors(args[1])): no_recording(name)
        given = args[:1]
    if bad := [x for x in given if x.ndim and not isinstance(x, GpuTensor)]:
        raise RuntimeError(f'Expected all tensors to be on the same device: {name} has one of '
                           f'shape {tuple(bad[0].shape)} on the processor, and others on the GPU')


def called(func, args, kwargs):
    "What a function makes of tensors of the processor; a graph that is recorded keeps the call"
    return _recording[0].call(func, args, kwargs) if _recording else func(*args, **kwargs)


class CUDAGraph:
    "The calls of a recording, in their order"
    def __init__(self): self.calls, self.before, self.own = [], {}, set()

    def call(self, func, args, kwargs):
        given = tensors((args, kwargs))
        for x in written(func, args, kwargs): # a recording does not run: what was there comes back
            if memory(x) not in self.own and memory(x) not in self.before:
                self.before[memory(x)] = x.untyped_storage(), x.untyped_storage().clone()
        out = func(*args, **kwargs)
        new = [memory(x) not in {*map(memory, given)} for x in tensors(out)]
        self.own |= {memory(x) for x, is_new in zip(tensors(out), new) if is_new}
        self.calls.append((func, args, kwargs, tensors(out), new))
        return out

    def replay(self):
        for func, args, kwargs, results, new in self.calls:
            for x, y, is_new in zip(results, tensors(func(*args, **kwargs)), new):
                if is_new: x.copy_(y)


def written(func, args, kwargs):
    "The tensors that an operation writes to"
    for i, a in enumerate(getattr(getattr(func, '_schema', None), 'arguments', ())):
        if a.alias_info and a.alias_info.is_write:
            yield from tensors(args[i] if i < len(args) else kwargs.get(a.name))


@contextlib.contextmanager
def recorded(graph, pool=None, stream=None):
    "Stands for `torch.cuda.graph`"
    random = torch.get_rng_state()
    _recording.append(graph)
    try: yield
    finally:
        _recording.clear()
        torch.set_rng_state(random)
        for storage, old in graph.before.values(): storage.copy_(old)


class Move(torch.autograd.Function):
    "A copy on the other device"
    @staticmethod
    def forward(ctx, x): return x.host.clone() if isinstance(x, GpuTensor) else GpuTensor(x.clone())
    @staticmethod
    def backward(ctx, grad): return Move.forward(ctx, grad)


def moved(x, *asked, device=None, dtype=None, copy=False, **_):
    "What `x.to` makes of these arguments"
    for a in (device, dtype, *asked):
        if isinstance(a, GpuTensor): device, dtype = GPU, a.dtype
        elif isinstance(a, torch.Tensor): device, dtype = a.device, a.dtype
        elif isinstance(a, (str, torch.device)): device = torch.device(a)
        elif isinstance(a, torch.dtype): dtype = a
    ours, there = isinstance(x, GpuTensor), device is not None and device.type == GPU.type
    if device is not None and there != ours:
        no_recording('a copy to another device')
        x, ours, copy = Move.apply(x), there, False
    if ours or device is None: return torch.Tensor.to(x, dtype=dtype or x.dtype, copy=copy)
    return torch.Tensor.to(x, device, dtype or x.dtype, copy=copy)


def normalised(func, args, kwargs):
    "As CUDA does it: in 32 bits under autocast, and otherwise in one type"
    if GPU.type != 'cuda': return func(*args, **kwargs)
    if torch.is_autocast_enabled(GPU.type):
        with torch.autocast(GPU.type, enabled=False):
            return func(*tree_map_only(torch.Tensor, torch.Tensor.float, args), **kwargs)
    if len(kinds := {x.dtype for x in tensors((args, kwargs))}) > 1:
        raise RuntimeError(f'layer_norm expects one type, and found {kinds}')
    return func(*args, **kwargs)


class Pretended(TorchFunctionMode):
    "What Python asks of tensors, and what makes new ones"
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(func, '__name__', '')
        ours = bool(args) and isinstance(args[0], GpuTensor)
        if name == '__get__' and ours:
            for attribute, value in (('device', GPU), (f'is_{GPU.type}', True), ('is_cpu', False)):
                if func == getattr(torch.Tensor, attribute).__get__: return value
        if name == 'pin_memory': return args[0]
        if name == 'layer_norm' and ours: return normalised(func, args, kwargs)
        if name == 'get_device' and ours: return 0
        if name == 'one_hot' and ours: # it makes a tensor on what it takes for the device
            return GpuTensor(called(func, (args[0].host, *args[1:]), kwargs))
        if name == 'tolist' and ours: return moved(args[0], CPU).tolist()
        if name == 'to': return moved(*args, **kwargs)
        if name in ('cpu', GPU.type) and args: return moved(args[0], CPU if name == 'cpu' else GPU)
        if kwargs.get('device') is None or torch.device(kwargs['device']).type != GPU.type:
            return func(*args, **kwargs)
        kwargs = kwargs | dict(device=CPU)
        if ours: return func(*args, **kwargs)
        if tensors(args): return moved(func(*args, **kwargs), GPU)
        if name in ('tensor', 'as_tensor', 'asarray'): no_recording('a copy to the GPU')
        grad = kwargs.pop('requires_grad', False)
        return GpuTensor(called(func, args, kwargs)).requires_grad_(grad)


def grouped(lists, with_indices=False):
    "PyTorch groups tensors by the device that they have for it"
    own = torch.utils._foreach_utils._group_tensors_by_device_and_dtype(lists, with_indices)
    def place(found): return GPU if isinstance(found[0][0], GpuTensor) else CPU
    return {(place(found), dtype): (found, i) for (_, dtype), (found, i) in own.items()}


class Stream:
    "A queue of work; here all work is done at once"
    def __init__(self, *_, **__): self.device = GPU
    def wait_stream(self, other): pass
    def synchronize(self): no_recording('waiting for a stream')


def install(kind='cuda'):
    "From now on, there is a GPU: `cuda` or `mps`"
    global GPU
    GPU = torch.device(kind, 0)
    class Autocast(torch.autocast):
        def __init__(self, kind, *args, **kwargs):
            self.pretended = kind == GPU.type
            super().__init__('cpu' if self.pretended else kind, *args, **kwargs)
        def __enter__(self):
            super().__enter__()
            if self.pretended and not torch.compiler.is_compiling(): self.tell()
            return self
        def __exit__(self, *error):
            super().__exit__(*error)
            if self.pretended and not torch.compiler.is_compiling(): self.tell()
        def tell(self): # whoever asks about the GPU hears what holds for the processor
            torch.set_autocast_enabled(GPU.type, torch.is_autocast_enabled('cpu'))
            torch.set_autocast_dtype(GPU.type, torch.get_autocast_dtype('cpu'))
    class Generator(torch.Generator):
        def __new__(cls, device=None): return super().__new__(cls)
    torch.autocast = torch.amp.autocast = Autocast
    torch.Generator = Generator
    for user in (torch.nn.utils.clip_grad, sys.modules['torch.optim.optimizer']):
        user._group_tensors_by_device_and_dtype = grouped
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    # what a PyTorch that has CUDA would ask of it, for optimisers and to compile
    for name in ('_cuda_graph_capture_health_check', '_accelerator_graph_capture_health_check'):
        setattr(torch.optim.Optimizer, name, lambda self: None)
    torch.accelerator.is_available = lambda: False
    if kind == 'cuda': install_cuda()
    else:
        torch.backends.mps.is_available = lambda: True
        torch.mps.synchronize = torch.mps.empty_cache = lambda: None
        torch.mps.get_rng_state = lambda: torch.get_rng_state()
        torch.mps.set_rng_state = lambda state: torch.set_rng_state(state)
    Pretended().__enter__()


def install_cuda():
    "What the package asks of CUDA"
    about = SimpleNamespace(name='a pretended GPU', total_memory=2**36, multi_processor_count=1,
                            major=6, minor=0)  # too old to be compiled for
    random = torch.get_rng_state()
    known = dict.fromkeys(('_lazy_init', 'empty_cache', 'graph_pool_handle', 'manual_seed',
                           'manual_seed_all', 'reset_peak_memory_stats', 'set_device',
                           'set_rng_state', 'set_rng_state_all'))
    known |= dict(current_device=0, device_count=1, get_device_capability=(6, 0),
                  get_device_name=about.name, get_device_properties=about, get_rng_state=random,
                  get_rng_state_all=[random], is_available=True, is_bf16_supported=True,
                  is_current_stream_capturing=False, max_memory_allocated=2**20)
    for name, value in known.items(): setattr(torch.cuda, name, lambda *_, value=value, **__: value)
    torch.cuda.synchronize = lambda *_: no_recording('waiting for the GPU')
    torch.cuda.Stream, torch.cuda.current_stream = Stream, Stream
    torch.cuda.stream = lambda stream: contextlib.nullcontext()
    torch.cuda.CUDAGraph, torch.cuda.graph = CUDAGraph, recorded
