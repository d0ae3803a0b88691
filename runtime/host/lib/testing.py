"""The module triton.testing: timing and comparing.

Evaluated with `_tkc`, the functions of triton_library.c, and `torch` bound.
"""
import time


def _quantile(sorted_times, q):
    position = q * (len(sorted_times) - 1)
    low = int(position)
    high = min(low + 1, len(sorted_times) - 1)
    return sorted_times[low] + (sorted_times[high] - sorted_times[low]) * (position - low)


def _time(fn):
    torch.cuda.synchronize()
    start = time.perf_counter()
    fn()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) * 1e3


def _bench_with_clock(fn, warmup, rep):
    """Times of a device whose launches are complete when they return."""
    estimate = max(min(_time(fn), _time(fn)), 1e-6)
    for _ in range(min(int(warmup / estimate), 1000)):
        fn()
    return [_time(fn) for _ in range(max(1, min(int(rep / estimate), 10000)))]


def _bench_with_events(fn, warmup, rep):
    """Times of a GPU by its own events, nothing of the data in its cache: as Triton measures."""
    fn()
    torch.cuda.synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(5):
        _tkc.flush_cache()
        fn()
    end.record()
    torch.cuda.synchronize()
    estimate = max(start.elapsed_time(end) / 5, 1e-6)
    for _ in range(max(1, int(warmup / estimate))):
        fn()
    events = []
    for _ in range(max(1, int(rep / estimate))):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        _tkc.flush_cache()
        start.record()
        fn()
        end.record()
        events.append((start, end))
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in events]


def _bench_counted(fn):
    """The cost of one call, where a device counts instead of measuring."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    fn()
    end.record()
    return [start.elapsed_time(end)]


def do_bench(fn, warmup=25, rep=100, grad_to_none=None, quantiles=None, return_mode="mean"):
    """Milliseconds per call of `fn`: it runs for about `warmup` and then `rep` milliseconds."""
    modes = ["min", "max", "mean", "median", "all"]
    if return_mode not in modes:
        raise ValueError(f"return_mode must be one of {modes}, not {return_mode!r}")
    timing = _tkc.timing()
    if timing == "counted":
        times = _bench_counted(fn)
    elif timing == "events":
        times = sorted(_bench_with_events(fn, warmup, rep))
    else:
        times = sorted(_bench_with_clock(fn, warmup, rep))
    if quantiles is not None:
        result = [_quantile(times, q) for q in quantiles]
        return result[0] if len(result) == 1 else result
    if return_mode == "all":
        return times
    if return_mode == "mean":
        return sum(times) / len(times)
    return _quantile(times, {"min": 0.0, "max": 1.0, "median": 0.5}[return_mode])


def do_bench_cudagraph(fn, rep=20, grad_to_none=None, quantiles=None, return_mode="mean"):
    return do_bench(fn, warmup=1, rep=rep, quantiles=quantiles, return_mode=return_mode)


def assert_close(x, y, atol=None, rtol=None, err_msg=""):
    """Raises AssertionError unless x and y are close: atol 1e-2 and rtol 0 unless given."""
    atol = 1e-2 if atol is None else atol
    rtol = 0.0 if rtol is None else rtol
    if not isinstance(x, torch.Tensor):
        x = torch.tensor(x, device="cuda")
    if not isinstance(y, torch.Tensor):
        y = torch.tensor(y, device="cuda")
    if torch.allclose(x.double(), y.double(), rtol=rtol, atol=atol, equal_nan=True):
        return
    difference = (x.double() - y.double()).abs().max().item()
    raise AssertionError(f"{err_msg} the tensors are not close: greatest difference {difference}, "
                         f"atol {atol}, rtol {rtol}")


class Benchmark:
    """What perf_report varies: one row for each of x_vals, one column for each of line_vals."""

    def __init__(self, x_names, x_vals, line_arg, line_vals, line_names, plot_name, args,
                 xlabel="", ylabel="", x_log=False, y_log=False, styles=None):
        self.x_names = x_names
        self.x_vals = x_vals
        self.line_arg = line_arg
        self.line_vals = line_vals
        self.line_names = line_names
        self.plot_name = plot_name
        self.args = args
        self.ylabel = ylabel


class Mark:
    def __init__(self, fn, benchmarks):
        self.fn = fn
        self.benchmarks = benchmarks

    def _row(self, bench, x, kwargs):
        xs = list(x) if isinstance(x, (tuple, list)) else [x] * len(bench.x_names)
        row = list(xs)
        for line in bench.line_vals:
            result = self.fn(**dict(zip(bench.x_names, xs)), **{bench.line_arg: line},
                             **bench.args, **kwargs)
            row.append(result[0] if isinstance(result, (tuple, list)) else result)
        return row

    def run(self, show_plots=False, print_data=False, save_path="", return_df=False, **kwargs):
        """Runs the benchmarks and prints a table of each; there are no plots."""
        single = isinstance(self.benchmarks, Benchmark)
        for bench in [self.benchmarks] if single else self.benchmarks:
            rows = [self._row(bench, x, kwargs) for x in bench.x_vals]
            if not print_data:
                continue
            print(f"{bench.plot_name}:")
            names = list(bench.x_names) + [f"{name} ({bench.ylabel})" if bench.ylabel else name
                                           for name in bench.line_names]
            widths = [max(len(name), 12) for name in names]
            print("  ".join(f"{name:>{width}}" for name, width in zip(names, widths)))
            for row in rows:
                cells = [f"{value:>{width}.6f}" if isinstance(value, float) else
                         f"{value:>{width}}" for value, width in zip(row, widths)]
                print("  ".join(cells))


def perf_report(benchmarks):
    """Marks a function as a benchmark: function.run(print_data=True) prints its table."""
    def decorate(fn):
        return Mark(fn, benchmarks)
    return decorate
