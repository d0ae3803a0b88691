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


class Autotuner(_Decorated):
    """Tries every configuration once per key and keeps the fastest (on emu the one that costs least by
    its counters). The cpu device has no speed to
    compare: it runs each on copies of the tensors, checks that all compute what the first does, and
    keeps the first."""

    def __init__(self, fn, configs, key, prune_configs_by=None, reset_to_zero=None,
                 restore_value=None, pre_hook=None, post_hook=None, warmup=None, rep=None):
        super().__init__(fn)
        self.warmup = 25 if warmup is None else warmup
        self.rep = 100 if rep is None else rep
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

    def run_config(self, config, args, kwargs):
        if config.pre_hook is not None:
            config.pre_hook({**self.named(args, kwargs), **config.all_kwargs()})
        return self.fn.run(*args, **kwargs, **config.all_kwargs())

    def trial(self, config, args, kwargs):
        """Runs one configuration on copies; the copies by name."""
        args = [_tkc.copy(value) for value in args]
        kwargs = {name: _tkc.copy(value) for name, value in kwargs.items()}
        named = self.named(args, kwargs)
        for name in self.reset_to_zero:
            named[name].zero_()
        if self.pre_hook is not None:
            self.pre_hook(named)
        self.run_config(config, args, kwargs)
        if self.post_hook is not None:
            self.post_hook(named, exception=None)
        return {name: value for name, value in named.items() if _tkc.is_tensor(value)}

    def time(self, config, args, kwargs):
        """Milliseconds of one configuration on copies of the tensors; infinity if it needs more
        registers or shared memory than there are."""
        from triton.testing import do_bench
        args = [_tkc.copy(value) for value in args]
        kwargs = {name: _tkc.copy(value) for name, value in kwargs.items()}
        named = self.named(args, kwargs)

        def once():
            for name in self.reset_to_zero:
                named[name].zero_()
            if self.pre_hook is not None:
                self.pre_hook(named)
            self.run_config(config, args, kwargs)
            if self.post_hook is not None:
                self.post_hook(named, exception=None)

        try:
            return do_bench(once, warmup=self.warmup, rep=self.rep, return_mode="median")
        except (_tkc.StaticAssertError, _tkc.OutOfResources):
            return float("inf")

    def fastest(self, configs, args, kwargs):
        times = [self.time(config, args, kwargs) for config in configs]
        if min(times) == float("inf"):
            raise RuntimeError(f"no configuration of {self.base_fn.__name__} can run")
        return configs[times.index(min(times))]

    def tune(self, configs, args, kwargs):
        if _tkc.timing() != "clock":
            return self.fastest(configs, args, kwargs)
        best, first, refused = None, None, None
        for config in configs:
            try:
                tensors = self.trial(config, args, kwargs)
            except _tkc.StaticAssertError as error:
                refused = error  # as in Triton: a configuration that is not meant for these sizes
                continue
            if best is None:
                best, first = config, tensors
                continue
            for name in tensors:
                if not _tkc.agree(tensors[name], first[name]):
                    _tkc.report_disagreement(self.base_fn, name, str(config), str(best))
        if best is None:
            raise refused
        return best

    def run(self, *args, **kwargs):
        named = self.named(args, kwargs)
        for config in self.configs:
            self.check_conflicts(kwargs, config)
        if len(self.configs) == 1:
            best = self.configs[0]
        else:
            key = self.cache_key(named)
            if key not in self.cache:
                before = _tkc.trying(True)
                try:
                    self.cache[key] = self.tune(self.prune(named, {}), args, kwargs)
                finally:
                    _tkc.trying(before)
            best = self.cache[key]
        self.best_config = best
        return self.run_config(best, args, kwargs)


def autotune(configs, key, prune_configs_by=None, reset_to_zero=None, restore_value=None,
             pre_hook=None, post_hook=None, warmup=None, rep=None, use_cuda_graph=False,
             do_bench=None, cache_results=False):
    """Chooses among configurations, once for each set of values of the `key` arguments."""
    def decorate(fn):
        return Autotuner(fn, configs, key, prune_configs_by, reset_to_zero, restore_value, pre_hook,
                         post_hook, warmup, rep)
    return decorate
