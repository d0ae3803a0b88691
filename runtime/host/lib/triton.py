"""The parts of the module `triton` that are host programs themselves: autotuning and heuristics.

Evaluated when a program imports triton, with `_tkc`, the functions of triton_library.c, bound.
"""


class Config:
    """One choice of constants and launch options for autotune."""

    def __init__(self, kwargs, num_warps=4, num_stages=3, num_ctas=1, maxnreg=None, pre_hook=None,
                 ir_override=None):
        self.kwargs = kwargs
        self.num_warps = num_warps
        self.num_stages = num_stages
        self.num_ctas = num_ctas
        self.maxnreg = maxnreg
        self.pre_hook = pre_hook
        self.ir_override = ir_override

    def all_kwargs(self):
        options = {"num_warps": self.num_warps, "num_stages": self.num_stages,
                   "num_ctas": self.num_ctas, "maxnreg": self.maxnreg}
        return {**self.kwargs, **{k: v for k, v in options.items() if v is not None}}

    def __str__(self):
        options = {"num_warps": self.num_warps, "num_ctas": self.num_ctas,
                   "num_stages": self.num_stages, "maxnreg": self.maxnreg}
        return ", ".join(f"{k}: {v}" for k, v in {**self.kwargs, **options}.items())

    def __repr__(self):
        return f"Config({self})"


class _Launcher:
    """kernel[grid] of an autotuned kernel or one with heuristics."""

    def __init__(self, kernel, grid):
        self.kernel = kernel
        self.grid = grid

    def __call__(self, *args, **kwargs):
        return self.kernel.run(*args, grid=self.grid, warmup=False, **kwargs)


class _Decorated:
    """What autotune and heuristics have in common: a kernel around a kernel."""

    def __init__(self, fn):
        self.fn = fn
        self.arg_names = fn.arg_names
        self.__name__ = fn.__name__
        base = fn
        while isinstance(base, _Decorated):
            base = base.fn
        self.base_fn = base

    def __getitem__(self, grid):
        return _Launcher(self, grid)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("Cannot call @triton.jit'd outside of the scope of a kernel")

    def warmup(self, *args, grid=(1,), **kwargs):
        return self.run(*args, grid=grid, warmup=True, **kwargs)

    def named(self, args, kwargs):
        """All arguments of a launch by name."""
        return {**dict(zip(self.arg_names, args)), **kwargs}


class Heuristics(_Decorated):
    def __init__(self, fn, values):
        super().__init__(fn)
        self.values = values

    def run(self, *args, **kwargs):
        for name, value in self.values.items():
            kwargs[name] = value(self.named(args, kwargs))
        return self.fn.run(*args, **kwargs)


def heuristics(values):
    """Constants computed from the other arguments at each launch."""
    def decorate(fn):
        return Heuristics(fn, values)
    return decorate


REFUSALS = (_tkc.CompilationError, _tkc.OutOfResources, _tkc.PTXASError)


def _copied(value):
    """A copy of a tensor that is laid out and aligned in the same way, with its own memory; anything
    else itself."""
    if isinstance(value, _tkc.TensorDescriptor):
        return _tkc.TensorDescriptor(_copied(value.base), value.shape, value.strides,
                                     value.block_shape, value.padding)
    if not _tkc.is_tensor(value) or value.numel() == 0:
        return value
    before = value.data_ptr() % 16 // value.element_size()
    if value.is_contiguous() and before == 0:
        return _tkc.copy(value)
    span = before + 1 + sum((n - 1) * stride for n, stride in zip(value.shape, value.stride()))
    memory = torch.as_strided(value, (span,), (1,), value.storage_offset() - before)
    return torch.as_strided(_tkc.copy(memory), value.shape, value.stride(), before)


def _described(value):
    """What is specialised of an argument, as text."""
    if _tkc.is_tensor(value):
        return f"{value.dtype}:{16 if value.data_ptr() % 16 == 0 else 1}"
    if isinstance(value, _tkc.TensorDescriptor):
        return f"desc {value.base.dtype}"
    if isinstance(value, int) and not isinstance(value, bool):
        return "1" if value == 1 else f"int:{16 if value % 16 == 0 else 1}"
    return "float" if isinstance(value, float) else str(value)


class _Measured:
    """What is known of one configuration: median, 20 % and 80 % quantile in milliseconds, infinite if
    it cannot run; then why."""

    def __init__(self, times, reason="", error=None):
        self.times = times
        self.reason = reason
        self.error = error


class Autotuner(_Decorated):
    """Tries every configuration once per key and keeps the one of least median time; of several, the
    first. On emu the one that costs least by its counters. The cpu device has no speed to compare:
    it runs each on copies of the tensors, checks that all compute what the first does, and keeps the
    first. On a GPU the times are kept on disk, for each device, kernel and key."""

    def __init__(self, fn, configs, key, prune_configs_by=None, reset_to_zero=None,
                 restore_value=None, pre_hook=None, post_hook=None, warmup=None, rep=None,
                 do_bench=None):
        super().__init__(fn)
        self.warmup_ms = 25 if warmup is None else warmup
        self.rep_ms = 100 if rep is None else rep
        self.do_bench = do_bench
        self.configs = list(configs) if configs else [Config({})]
        self.keys = list(key)
        self.reset_to_zero = list(reset_to_zero or [])
        self.restore_value = list(restore_value or [])
        self.pre_hook = pre_hook
        self.post_hook = post_hook
        prune = prune_configs_by or {}
        self.perf_model = prune.get("perf_model")
        self.top_k = prune.get("top_k", 1.0)
        self.early_config_prune = prune.get("early_config_prune")
        self.cache = {}
        self.best_config = None
        self.configs_timings = {}  # of the last tuning; see _Measured.times
        self.configs_failures = {}  # why the infinite ones are; Triton does not tell
        self.bench_time = None  # seconds

    def cache_key(self, named):
        values = [named[name] for name in self.keys if name in named]
        dtypes = [str(value.dtype) for value in named.values() if _tkc.is_tensor(value)]
        return tuple(values + dtypes)

    def prune(self, named, kwargs):
        configs = self.configs
        if self.early_config_prune is not None:
            configs = self.early_config_prune(configs, named, **kwargs)
            if not configs:
                raise RuntimeError("No valid autotuner configs after pruning. "
                                   "`early_config_prune` should return at least one config.")
        if self.perf_model is not None:
            count = self.top_k
            if isinstance(count, float) and count <= 1.0:
                count = int(len(self.configs) * count)
            elif not isinstance(count, int):
                raise TypeError("Error while pruning configs, top_k must be either "
                                "1) a float <= 1.0 or 2) an int")
            if len(configs) <= max(count, 1):
                return list(configs)
            times = {i: self.perf_model(**{**named, **kwargs, **config.all_kwargs()})
                     for i, config in enumerate(configs)}
            best = sorted(times, key=lambda i: times[i])[:max(count, 1)]
            configs = [configs[i] for i in best]
        return list(configs)

    def check_conflicts(self, kwargs, config):
        conflicts = [name for name in config.kwargs if name in kwargs]
        if conflicts:
            raise ValueError(f"Conflicting meta-parameters: {', '.join(conflicts)}. "
                             "Make sure that you don't re-define auto-tuned symbols.")

    def raise_none(self, configs, rows):
        _tkc.raise_none_runs(self.base_fn, [str(config) for config in configs],
                             [row.reason for row in rows], [row.error for row in rows])

    def run_config(self, config, args, kwargs):
        if config.pre_hook is not None:
            config.pre_hook({**self.named(args, kwargs), **config.all_kwargs()})
        return self.fn.run(*args, **kwargs, **config.all_kwargs())

    # ---- the cpu device -------------------------------------------------------------------------

    def trial(self, config, args, kwargs):
        """Runs one configuration on copies; the copies by name."""
        args = [_copied(value) for value in args]
        kwargs = {name: _copied(value) for name, value in kwargs.items()}
        named = self.named(args, kwargs)
        self.before(named, {})
        self.run_config(config, args, kwargs)
        if self.post_hook is not None:
            self.post_hook(named, exception=None)
        return {name: value for name, value in named.items() if _tkc.is_tensor(value)}

    def check(self, configs, args, kwargs):
        best, first, refused = None, None, []
        for config in configs:
            try:
                tensors = self.trial(config, args, kwargs)
            except REFUSALS as error:
                refused.append(self.refused(config, error))
                continue
            if best is None:
                best, first = config, tensors
                continue
            for name in tensors:
                if not _tkc.agree(tensors[name], first[name]):
                    _tkc.report_disagreement(self.base_fn, name, str(config), str(best))
        if best is None:
            self.raise_none(configs, refused)
        return best

    # ---- devices that tell how long a kernel takes ----------------------------------------------

    def before(self, named, saved):
        """What is done before each run that is timed."""
        if self.pre_hook is not None:
            self.pre_hook(named)
            return
        for name in self.reset_to_zero:
            named[name].zero_()
        for name, value in saved.items():
            named[name].copy_(value)

    def compile(self, configs, args, kwargs):
        """Compiles all at once. By configuration why it failed, for those that fail early; and the
        names of the arguments that the others may write to."""
        failed, compiled = {}, []
        named = self.named(args, kwargs)
        hooks = any(isinstance(value, _tkc.TensorDescriptor) for value in named.values())
        _tkc.collect_begin()
        try:
            for config in configs:
                try:
                    if hooks and config.pre_hook is not None:  # it sets the descriptors' blocks
                        config.pre_hook({**named, **config.all_kwargs()})
                    given = {**kwargs, **config.all_kwargs(), "warmup": True}
                    compiled.append(self.fn.run(*args, **given))
                except REFUSALS as error:
                    failed[str(config)] = self.refused(config, error)
        finally:
            _tkc.collect_end()
        written = set(name.split(".")[0] for kernel in compiled for name in kernel._stored)
        return failed, written

    def refused(self, config, error):
        expected = (_tkc.StaticAssertError, _tkc.OutOfResources, _tkc.PTXASError)
        if not isinstance(error, expected):
            _tkc.warn_left_out(self.base_fn, str(config), error)
        return _Measured([float("inf")] * 3, _tkc.reason(error), error)

    def time(self, config, args, kwargs, saved):
        from triton.testing import do_bench
        named = self.named(args, kwargs)

        def once():
            self.before(named, saved)
            self.run_config(config, args, kwargs)
            if self.post_hook is not None:
                self.post_hook(named, exception=None)

        quantiles = (0.5, 0.2, 0.8)
        try:
            if self.do_bench is not None:
                times = self.do_bench(once, quantiles=quantiles)
            else:
                times = do_bench(once, warmup=self.warmup_ms, rep=self.rep_ms, quantiles=quantiles)
        except REFUSALS as error:
            return self.refused(config, error)
        return _Measured(list(times) if isinstance(times, (list, tuple)) else [times] * 3)

    def measure(self, configs, args, kwargs):
        """Compiles and times configurations, on copies of what they write to; by their texts."""
        measured, written = self.compile(configs, args, kwargs)
        copied = None
        for config in configs:
            if str(config) in measured:
                continue
            if copied is None or _tkc.timing() == "counted":  # the same data for each, to count the same
                copied = {name: _copied(value) if name in written else value
                          for name, value in self.named(args, kwargs).items()}
                saved = {name: copied[name].clone() for name in self.restore_value}
            own = [copied[name] for name in self.arg_names[:len(args)]]
            rest = {name: copied[name] for name in kwargs}
            measured[str(config)] = self.time(config, own, rest, saved)
        return measured

    def fastest(self, key, configs, args, kwargs):
        place = self.place(key, args, kwargs)
        measured = self.read_kept(place)
        untried = [config for config in configs if str(config) not in measured]
        if untried:
            measured.update(self.measure(untried, args, kwargs))
        rows = [measured[str(config)] for config in configs]
        self.configs_timings = {config: row.times for config, row in zip(configs, rows)}
        self.configs_failures = {config: row.reason for config, row in zip(configs, rows)
                                 if row.reason}
        medians = [row.times[0] for row in rows]
        if min(medians) == float("inf"):
            self.raise_none(configs, rows)
        if untried:
            self.keep(place, measured)
        return configs[medians.index(min(medians))], not untried

    # ---- on disk --------------------------------------------------------------------------------

    def place(self, key, args, kwargs):
        """The text that results are kept under, which is also the head of what is kept; None: they
        are not."""
        if _tkc.timing() != "events" or self.do_bench is not None:
            return None
        named = {name: value for name, value in self.named(args, kwargs).items()
                 if name not in ("grid", "warmup")}
        shown = ", ".join(f"{name}={_described(value)}" for name, value in named.items())
        return (f"{_tkc.device()}\n{self.base_fn.__name__} {_tkc.kernel_hash(self.base_fn)}\n"
                f"{key}\n{shown}\n")

    def read_kept(self, place):
        text = None if place is None else _tkc.kept(place)
        if text is None or not text.startswith(place):
            return {}
        rows = [line.split("\t") for line in text[len(place):].split("\n")]
        return {row[3]: _Measured([float(number) for number in row[:3]], row[4])
                for row in rows if len(row) == 5}

    def keep(self, place, measured):
        if place is None:
            return
        rows = ["\t".join([repr(number) for number in row.times] + [config, row.reason])
                for config, row in measured.items() if "\n" not in config and "\t" not in config]
        _tkc.keep(place, f"{self.base_fn.__name__[:50]}.tuned", place + "\n".join(rows) + "\n")

    # ---- the whole ------------------------------------------------------------------------------

    def report(self, key, configs):
        """What Triton prints, and what was tried."""
        print(f"Triton autotuning for function {self.base_fn.__name__},\nwith key as {key},\n"
              f"finished after {self.bench_time:.2f}s,\n"
              f"best config selected: {self.best_config};")
        for config in configs:
            times = self.configs_timings.get(config)
            reason = self.configs_failures.get(config)
            if times is not None:
                mark = "*" if config is self.best_config else " "
                why = f" -- {reason}" if reason else ""
                print(f"{mark} {times[0]:10.4f} ms  {config}{why}")

    def tune(self, key, configs, args, kwargs):
        import os
        import time
        start = time.perf_counter()
        was_kept = False
        self.configs_timings, self.configs_failures = {}, {}
        if len(configs) == 1:
            self.best_config = configs[0]
        elif _tkc.timing() == "clock":
            self.best_config = self.check(configs, args, kwargs)
        else:
            self.best_config, was_kept = self.fastest(key, configs, args, kwargs)
        self.bench_time = time.perf_counter() - start
        if os.environ.get("TRITON_PRINT_AUTOTUNING") == "1" and not was_kept:
            self.report(key, configs)
        return self.best_config

    def warmup_all(self, args, kwargs):
        """kernel.warmup(): compiles what a launch would choose from."""
        configs = self.prune(self.named(args, kwargs), kwargs)
        self.compile(configs, args, kwargs)
        return [self.run_config(config, args, kwargs) for config in configs]

    def run(self, *args, **kwargs):
        named = self.named(args, kwargs)
        for config in self.configs:
            self.check_conflicts(kwargs, config)
        if kwargs.get("warmup"):
            return self.warmup_all(args, kwargs)
        if len(self.configs) == 1:
            best = self.configs[0]
        else:
            key = self.cache_key(named)
            if key not in self.cache:
                before = _tkc.trying(True)
                try:
                    self.cache[key] = self.tune(key, self.prune(named, kwargs), args, kwargs)
                finally:
                    _tkc.trying(before)
            best = self.cache[key]
        self.best_config = best
        return self.run_config(best, args, kwargs)


def autotune(configs, key, prune_configs_by=None, reset_to_zero=None, restore_value=None,
             pre_hook=None, post_hook=None, warmup=None, rep=None, use_cuda_graph=False,
             do_bench=None, cache_results=False):
    """Chooses among configurations, once for each set of values of the `key` arguments. Results are
    kept whether or not `cache_results` says so; launches are timed one by one, with no graph."""
    def decorate(fn):
        return Autotuner(fn, configs, key, prune_configs_by, reset_to_zero, restore_value, pre_hook,
                         post_hook, warmup, rep, do_bench)
    return decorate
