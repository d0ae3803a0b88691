from .sub.deep import two

ONE = 1
TWO = two()
