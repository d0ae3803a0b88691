from ..helpers import base


def two():
    return base() + 1
