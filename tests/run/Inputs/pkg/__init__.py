from .values import ONE
from . import values as inner

NAME = __name__
