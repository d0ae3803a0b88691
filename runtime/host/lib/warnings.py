"""The module warnings: a warning is a line on standard error."""


def warn(message, category=None, stacklevel=1):
    name = "UserWarning" if category is None else category.__name__
    _tkc.warn(f"{name}: {message}")


def filterwarnings(action, message="", category=None, module="", lineno=0, append=False):
    pass


def simplefilter(action, category=None, lineno=0, append=False):
    pass
