"""The module tkc: what only tkc has. docs/language.md tells how it is used.

Evaluated with `_tkc`, the functions of triton_library.c, bound.
"""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_DIGITS = "0123456789"

# Functions of C, so that what is wrong is reported where the program calls them.
fuse = _tkc.fuse
bytes_moved = _tkc.bytes_moved
unwritten = _tkc.unwritten
report = _tkc.report


def build(*functions, output, name=None, grid=None, targets=(), embed="ptx"):
    """Writes the kernels that the functions launch as C into the folder `output`, without running
    them; the paths of the files."""
    if not functions:
        raise TypeError("tkc.build takes functions that make launches")
    if embed not in ("ptx", "cubin", "both"):
        raise ValueError(f"embed must be 'ptx', 'cubin' or 'both', not {embed!r}")
    if name is not None and (name[:1] in _DIGITS or any(c not in _LETTERS + _DIGITS for c in name)):
        raise ValueError(f"name must be one of C, letters, digits and _, not {name!r}")
    targets = [targets] if isinstance(targets, str) else list(targets)
    return _tkc.build(list(functions), output, name, grid, targets, embed)


class trace:
    """with trace("run.json"): what happens inside is written there, for Perfetto."""

    def __init__(self, path):
        if not isinstance(path, str):
            raise TypeError("the path of tkc.trace is a str")
        self.path = path

    def __enter__(self):
        _tkc.trace_begin()
        return self

    def __exit__(self, kind, value, traceback):
        _tkc.trace_end(self.path)
        return False


class span:
    """with span("request 7"): names a part of the program in the trace, if one is recorded."""

    def __init__(self, name):
        if not isinstance(name, str):
            raise TypeError("the name of tkc.span is a str")
        self.name = name

    def __enter__(self):
        self.number = _tkc.span_begin(self.name)
        return self

    def __exit__(self, kind, value, traceback):
        _tkc.span_end(self.number)
        return False
