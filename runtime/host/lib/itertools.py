"""The module itertools: lists where Python has iterators, except for what does not end."""


def product(*iterables, repeat=1):
    pools = [list(pool) for pool in iterables] * repeat
    results = [()]
    for pool in pools:
        results = [done + (item,) for done in results for item in pool]
    return iter(results)


class chain:
    def __init__(self, *iterables):
        self._items = (item for iterable in iterables for item in iterable)

    @staticmethod
    def from_iterable(iterables):
        return chain(*iterables)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)


class count:
    def __init__(self, start=0, step=1):
        self._next = start
        self._step = step

    def __iter__(self):
        return self

    def __next__(self):
        value = self._next
        self._next = value + self._step
        return value


class cycle:
    def __init__(self, iterable):
        self._items = list(iterable)
        self._at = 0

    def __iter__(self):
        return self

    def __next__(self):
        if not self._items:
            raise StopIteration
        item = self._items[self._at]
        self._at = (self._at + 1) % len(self._items)
        return item


class repeat:
    def __init__(self, object, times=None):
        self._object = object
        self._left = times

    def __iter__(self):
        return self

    def __next__(self):
        if self._left is not None:
            if self._left <= 0:
                raise StopIteration
            self._left -= 1
        return self._object


def islice(iterable, *bounds):
    if len(bounds) == 1:
        start, stop, step = 0, bounds[0], 1
    else:
        start = bounds[0] or 0
        stop = bounds[1]
        step = bounds[2] if len(bounds) == 3 and bounds[2] is not None else 1
    results = []
    items = iter(iterable)
    missing = object()
    i = 0
    while stop is None or i < stop:
        item = next(items, missing)
        if item is missing:
            break
        if i >= start and (i - start) % step == 0:
            results.append(item)
        i += 1
    return iter(results)


def accumulate(iterable, function=None, *, initial=None):
    results = [] if initial is None else [initial]
    for item in iterable:
        if not results:
            results.append(item)
        elif function is None:
            results.append(results[-1] + item)
        else:
            results.append(function(results[-1], item))
    return iter(results)


def combinations(iterable, r):
    pool = list(iterable)

    def pick(start, left):
        if left == 0:
            return [()]
        return [(pool[i],) + rest for i in range(start, len(pool)) for rest in pick(i + 1, left - 1)]

    return iter(pick(0, r))


def combinations_with_replacement(iterable, r):
    pool = list(iterable)

    def pick(start, left):
        if left == 0:
            return [()]
        return [(pool[i],) + rest for i in range(start, len(pool)) for rest in pick(i, left - 1)]

    return iter(pick(0, r))


def permutations(iterable, r=None):
    pool = list(iterable)

    def pick(used, left):
        if left == 0:
            return [()]
        return [(pool[i],) + rest
                for i in range(len(pool)) if i not in used
                for rest in pick(used + (i,), left - 1)]

    return iter(pick((), len(pool) if r is None else r))


def zip_longest(*iterables, fillvalue=None):
    pools = [list(pool) for pool in iterables]
    longest = max((len(pool) for pool in pools), default=0)
    return iter([tuple(pool[i] if i < len(pool) else fillvalue for pool in pools)
                 for i in range(longest)])


def starmap(function, iterable):
    return (function(*args) for args in iterable)


def takewhile(predicate, iterable):
    results = []
    for item in iterable:
        if not predicate(item):
            break
        results.append(item)
    return iter(results)


def dropwhile(predicate, iterable):
    results = []
    dropping = True
    for item in iterable:
        dropping = dropping and predicate(item)
        if not dropping:
            results.append(item)
    return iter(results)


def groupby(iterable, key=None):
    groups = []
    for item in iterable:
        mark = item if key is None else key(item)
        if not groups or groups[-1][0] != mark:
            groups.append((mark, []))
        groups[-1][1].append(item)
    return iter(groups)


def pairwise(iterable):
    items = list(iterable)
    return zip(items, items[1:])
