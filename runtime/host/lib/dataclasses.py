"""The module dataclasses."""
_missing = object()


def dataclass(cls=None, **options):
    if cls is None:
        return _tkc.dataclass
    return _tkc.dataclass(cls)


def field(default=_missing, default_factory=_missing, **options):
    if default_factory is not _missing:
        return _tkc.field(default_factory)
    if default is not _missing:
        return default
    raise TypeError("field() needs default or default_factory here")


def asdict(instance):
    return {name: getattr(instance, name) for name in _tkc.field_names(instance)}


def astuple(instance):
    return tuple(getattr(instance, name) for name in _tkc.field_names(instance))


def replace(instance, **changes):
    return type(instance)(**{**asdict(instance), **changes})
