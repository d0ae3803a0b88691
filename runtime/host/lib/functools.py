"""The module functools."""


class partial:
    def __init__(self, func, *args, **keywords):
        self.func = func
        self.args = args
        self.keywords = keywords

    def __call__(self, *args, **keywords):
        return self.func(*self.args, *args, **{**self.keywords, **keywords})


def reduce(function, iterable, *initial):
    items = iter(iterable)
    if initial:
        value = initial[0]
    else:
        missing = object()
        value = next(items, missing)
        if value is missing:
            raise TypeError("reduce() of empty iterable with no initial value")
    for item in items:
        value = function(value, item)
    return value


class _Cached:
    def __init__(self, function):
        self.__wrapped__ = function
        self.__name__ = function.__name__
        self._results = {}

    def __call__(self, *args, **keywords):
        key = (args, tuple(sorted(keywords.items())))
        if key not in self._results:
            self._results[key] = self.__wrapped__(*args, **keywords)
        return self._results[key]

    def cache_clear(self):
        self._results.clear()


def cache(function):
    return _Cached(function)


def lru_cache(maxsize=128, typed=False):
    if callable(maxsize):
        return _Cached(maxsize)
    return _Cached


def wraps(wrapped):
    def decorate(wrapper):
        wrapper.__name__ = wrapped.__name__
        wrapper.__wrapped__ = wrapped
        return wrapper

    return decorate


def cmp_to_key(compare):
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            return compare(self.value, other.value) < 0

    return Key
