"""The module collections."""
namedtuple = _tkc.namedtuple
defaultdict = _tkc.defaultdict
OrderedDict = dict


class Counter:
    def __init__(self, iterable=()):
        self._counts = {}
        self.update(iterable)

    def update(self, iterable):
        for item in iterable:
            self._counts[item] = self._counts.get(item, 0) + 1

    def __getitem__(self, key):
        return self._counts.get(key, 0)

    def __setitem__(self, key, value):
        self._counts[key] = value

    def __contains__(self, key):
        return key in self._counts

    def __len__(self):
        return len(self._counts)

    def __iter__(self):
        return iter(self._counts)

    def keys(self):
        return self._counts.keys()

    def values(self):
        return self._counts.values()

    def items(self):
        return self._counts.items()

    def most_common(self, n=None):
        ordered = sorted(self._counts.items(), key=lambda pair: pair[1], reverse=True)
        return ordered if n is None else ordered[:n]

    def __repr__(self):
        return f"Counter({dict(self.most_common())!r})"


class deque:
    def __init__(self, iterable=(), maxlen=None):
        self._items = []
        self.maxlen = maxlen
        for item in iterable:
            self.append(item)

    def append(self, item):
        self._items.append(item)
        if self.maxlen is not None and len(self._items) > self.maxlen:
            self._items.pop(0)

    def appendleft(self, item):
        self._items.insert(0, item)
        if self.maxlen is not None and len(self._items) > self.maxlen:
            self._items.pop()

    def extend(self, iterable):
        for item in iterable:
            self.append(item)

    def pop(self):
        return self._items.pop()

    def popleft(self):
        return self._items.pop(0)

    def clear(self):
        self._items.clear()

    def __getitem__(self, index):
        return self._items[index]

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)

    def __repr__(self):
        return f"deque({self._items!r})"
